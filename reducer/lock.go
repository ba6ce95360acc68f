package reducer

// Facts cannot decide locks. So LockClaimed, LockReleased and LockBroken are accepted and
// change nothing here: the ledger decides from the lines themselves who holds a lock, and a
// lock touches no issue.
