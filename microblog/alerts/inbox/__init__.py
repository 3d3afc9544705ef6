"""The error inbox: every failure in the log, grouped, with what somebody decided about it.

The log is the truth and the inbox is made of it: a file of its own, `errors.sqlite3`, holds the counts and how far the
log was read, in one transaction. Only the decisions (resolved, muted) are nowhere else.

reading   from lines of the log to counts by fingerprint       filling   from these to the file
groups    one failure and its state                            telling   what to call it, and its example
store     the file: asking, deciding                           curve     how often, hour by hour
wording   what shell and page both say
"""
