"""Reports: what is counted, how times spread, which days belong together. Pure decisions."""
