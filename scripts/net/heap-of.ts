//! How much of its heap a Node process uses, garbage left out: by its inspector, which SIGUSR1 opens in the
//! network namespace of the process. `node heap-of.ts PID`, in that namespace; prints JSON.
import { until } from '../waiting.ts'

const inspector = 'http://127.0.0.1:9229/json/list'
const pid = Number(process.argv[2])

interface Memory {
  readonly heapUsed: number
  readonly external: number
  readonly rss: number
}

async function target(): Promise<string> {
  const answer = await fetch(inspector)
  const [first] = (await answer.json()) as { webSocketDebuggerUrl: string }[]
  return first?.webSocketDebuggerUrl ?? ''
}

async function command(socket: WebSocket, id: number, method: string, params: object = {}) {
  const answer = new Promise<{ result?: { result?: { value?: unknown } } }>((resolve) => {
    const take = ({ data }: MessageEvent) => {
      const message = JSON.parse(String(data))
      if (message.id !== id) return
      socket.removeEventListener('message', take)
      resolve(message)
    }
    socket.addEventListener('message', take)
  })
  socket.send(JSON.stringify({ id, method, params }))
  return answer
}

process.kill(pid, 'SIGUSR1')
const socket = new WebSocket(await until(target, { what: 'inspector' }))
await new Promise((resolve, reject) => {
  socket.addEventListener('open', resolve)
  socket.addEventListener('error', reject)
})
let id = 0
for (let turn = 0; turn < 3; turn += 1) await command(socket, ++id, 'HeapProfiler.collectGarbage')
const expression = 'JSON.stringify(process.memoryUsage())'
const { result } = await command(socket, ++id, 'Runtime.evaluate', { expression })
const { heapUsed, external, rss } = JSON.parse(String(result?.result?.value)) as Memory
console.log(JSON.stringify({ heapUsed, external, rss }))
socket.close()
