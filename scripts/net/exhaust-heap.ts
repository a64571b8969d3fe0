//! Lets the heap of a running unit fill up to its bound, as a leak would: through the inspector that Node
//! opens at SIGUSR1, so that the daemon needs no door for it. `node exhaust-heap.ts PID`, in the network
//! namespace of the process; ends when that process is gone.
import { until } from '../waiting.ts'

const inspector = 'http://127.0.0.1:9229/json/list'
const pid = Number(process.argv[2])
/** A part of the bound at a time, so that the collections come as they do in a leak. */
const leak = 'const kept = []; for (;;) kept.push(new Array(10_000).fill(0).map((_, n) => n + 0.5))'

async function target(): Promise<string> {
  const answer = await fetch(inspector)
  const [first] = (await answer.json()) as { webSocketDebuggerUrl: string }[]
  return first?.webSocketDebuggerUrl ?? ''
}

process.kill(pid, 'SIGUSR1')
const socket = new WebSocket(await until(target, { what: 'inspector' }))
await new Promise((resolve, reject) => {
  socket.addEventListener('open', resolve)
  socket.addEventListener('error', reject)
})
const gone = new Promise((resolve) => {
  for (const event of ['close', 'error']) socket.addEventListener(event, resolve)
})
const params = { expression: leak }
socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params }))
await gone
