"""SePay watches an account of the hospital at its bank and tells of what moves on it."""
