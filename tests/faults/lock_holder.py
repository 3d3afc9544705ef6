"""Another program that holds SQLite's write lock. `python lock_holder.py FILE SECONDS`; says "held" and "freed"."""

import sqlite3
import sys
import time

connection = sqlite3.connect(sys.argv[1], timeout=5, isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
connection.execute("ROLLBACK")
print("freed", flush=True)
