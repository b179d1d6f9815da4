"""BIDV: bills it looks up and pays at the hospital (thu hộ), and its open API for virtual accounts.

No text of the bank itself was at hand. What stands here was read in independent public
integrations, and they differ: whatever they differ in is a setting, and the hospital's own
document from the bank decides. Seen in two or more of them: the fields of getbill and paybill, the
result codes, the paths of the open API, JWE with A256KW, JWS with RS256, `errorCode` "000". Seen in
one only, and said so where it is used: the file of reconciliation, the names of the reply of
genVietQR, the hosts. A guess: the list of payers when an account is opened, the form of trans_date.
"""
