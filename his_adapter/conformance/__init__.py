"""The conformance kit: what a HIS and its adapter do, case by case, judged from outside the port."""
