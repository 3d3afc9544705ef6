"""Errors by mail: the handler takes them, the spool keeps them, one sender of the machine tells them.

handler   what logging calls: never waits, never raises      summary   a record, cut down to what a mail tells
spool     counts that survive the process                    sender    who mails, and when; pace: how often
wording   what a mail says                                   message, smtp   composing it and handing it over
health    whether mail works, for check and the start line   notes     what the log says about all this
"""
