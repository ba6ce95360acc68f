package reducer

// The rule of locks is that facts cannot decide them. LockClaimed, LockReleased
// and LockBroken are accepted and leave no trace here: who holds a lock is
// decided by the ledger, on the lines themselves, and touches no issue.
