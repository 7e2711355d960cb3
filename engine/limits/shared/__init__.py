"""Limits that several hosts keep together in one Redis or Valkey, also a cluster.

Theory of operation
    The store holds one ledger a counter; a worker holds leases. A lease is a number of permits that the ledger has set
    aside for one owner (a worker) until an end. Requests spend the permits of the worker's lease, without a look at the
    network; the worker reports what it spent and asks for more before it has none. So the store sees a call for a batch
    of requests, and a request waits for the store only where its worker has too few permits and no answer yet. A permit
    is one unit of what the limit counts: a request, a token, a byte, 10^-8 USD. What is reserved (tokens, spend, bytes,
    slots, calendar windows) is taken from the lease, stays leased while the request runs, and is spent or back in the
    lease when its use is known.

    A ledger keeps `level + held <= limit`, always:

        held    permits that are leased and not reported as spent. They do not drain.
        level   what was reported as spent, less what has drained since: for a rate the debt of a GCRA counter in ns,
                for a calendar quota what the window has used, for concurrent requests nothing.

    A permit goes from `held` to `level` at its report, which is later than its use. So the ledger never believes in
    less than was really used, and no delay of a message, a worker or the store can make the sum of all hosts go over.
    Proof for rates: what is used in (s, t] was held at s or granted since, so used <= held(s) + granted - returned.
    As level drains no faster than time, level(t) + held(t) >= level(s) + held(s) + granted - returned - (t - s).
    Then used - (t - s) <= held(s) + limit - level(s) - held(s) <= limit: the use conforms to GCRA, whatever s and t.

Words
    bucket      a 64th of all counters, under one hash tag: what one script touches lies in one slot of a cluster
    life        what a bucket has counted without losing anything; `born` is when the last one began that may have had
                others before it, by the store's clock, 0 in a store that was new
    owner       one worker process. Reports are absolute (spent so far, kept now) and numbered, so that one that is
                lost, late or doubled changes nothing twice
    end         the owner stops to use a lease TTL (5 s) after it sent its last call, a tenth earlier; the store keeps
                it for an owner that says nothing for two TTL (slots: twelve) after it came, and longer where nobody was
                heard of, as it was rather the store that was away. Clocks of hosts need not agree, they need to run at
                the same speed within that tenth

Under-use, the price
    Permits that lie idle with one worker are missing to the others: at most twice of what it took in the last quarter
    of a second and twice its last request, and never more, but for requests that wait for them, than half of an even
    share of what is left: free / (2 * owners), at least 1. A worker that gets no requests for a counter gives its
    permits back within IDLE (1.5 s). So what is idle at exhaustion is back within IDLE, and at a steady rate nothing is
    lost: the debt drains at the full rate as long as not all of the burst is held. A burst of few permits among many
    workers (fewer than two each) is where that fails: each permit then makes the round trip to the store, and the rate
    is that of the round trips. Reservations are under-use by nature: what is held for answers that turn out shorter is
    missing while they run, as on one host.

    A worker that is killed leaves a journal (journal.py), from which its host reports within BEAT what it used and
    gives the rest back. Those of a host that is gone end within two TTL, as used; its slots within a minute, as free.

Failure modes
    Store slow, frozen or gone: a call that has no answer in CALL_TIMEOUT (200 ms) fails, and with it the store. From
    then on each limit does what it declares (`when_store_fails`) once the permits in hand are spent or at their end:

        closed       the request is refused with 503
        local_share  this host's equal share of the limit, burst and rate (or window, or slots), in its own table; a
                     share below one permit, and a request above the share, is closed. What was admitted before the
                     failure is not in it: in sum up to one more burst
        open         the request is admitted and not counted

    The store is tried again every 100 ms to 1 s; the first answer ends the mode. Both are in the log, the audit log and
    the metrics, and the record of each request says how it was decided.

    Store flushed, restarted empty, restored or failed over with writes missing: a bucket without its mark, or one that
    counts fewer calls than a worker has had answers, starts a new life. For TTL it grants nothing (but to `open`
    limits): all leases of the life before end in that time, and every worker tells again what it knows (times only ever
    move forward, so the latest is the truth), to which what was used since is added, whoever comes first. What was
    reported in a call whose answer was lost with the store may be charged twice. A counter that nobody tells of and
    that is not there is exhausted where all was lost: a rate comes back at its rate, a calendar quota with its next
    window. Where the last writes are missing, it is one that nobody has used. `open` limits begin afresh.

    A node of a cluster is down: until a replica has its place, all limits are as with a store that is gone. The nodes
    are remembered, so that it may be the one that was named.

    Split: the side without the store is as with a store that is gone; its leases end before the store gives them away.
    A primary that goes on serving while its successor does too (a split cluster) admits on both sides until the
    cluster's own node time-out ends it.

Not handled
    A store that evicts keys: it must run with `maxmemory-policy noeviction`, else it is refused. Replicas that are
    promoted without the last writes are found out only by a worker that had an answer to one of them, at its next
    call or beat: within BEAT (1 s), in which they may grant those permits again.

    A host that is cut off from the store for more than a minute while its requests run: their slots are given to
    others.

    A clock of the store that is set forward forgives what would have drained until then, and frees the slots of running
    requests early; one that is set back makes limits stricter until it has caught up.

Files
    scripts.py, lua/*.lua   what the store runs
    counters.py             which counter, by which numbers
    client.py               the connection; also the way to tell other hosts something (publish, messages)
    lease.py, keeper.py     a worker's permits, and what keeps them
    journal.py              what of them outlives the worker
    life.py                 which store, which host
    bound.py, metered.py    the limits of one caller: requests at a rate, and all that is reserved
    sharing.py              the limiter's seam
"""
