//! A neighbour on the same core that keeps its garbage collector busy: some 50 MB/s of small objects
//! over a live set of 200,000, as a busy switch process would.
const live: object[] = []
const liveMax = 200_000
const perTurn = 4_000
let next = 0

function allocate(): void {
  for (let n = 0; n < perTurn; n++) {
    live[next % liveMax] = { id: next, via: [`branch-${next}`], headers: { from: next, to: -next } }
    next++
  }
}

setInterval(allocate, 10)
