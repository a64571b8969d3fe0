//! Asks a daemon over its control socket (JSON-RPC 2.0, one line each way), as the CLI does.
import { connect } from 'node:net'
import type { ParamsOf, ResultOf, Verb } from '../../daemon/src/control/api.ts'

class ControlError extends Error {}

const answerMsMax = 10_000

/** Rejects with a `ControlError` when there is no daemon, no answer, or an answer that says no. */
export function ask<V extends Verb>(
  socketPath: string,
  verb: V,
  params: ParamsOf<V>,
): Promise<ResultOf<V>> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath)
    const refuse = (reason: string) => {
      socket.destroy()
      reject(new ControlError(`${verb}: ${reason}`))
    }
    let text = ''
    socket.setTimeout(answerMsMax, () => refuse(`no answer in ${answerMsMax} ms`))
    socket.on('error', (error) => refuse(error.message))
    socket.on('close', () => refuse('the connection was closed'))
    socket.on('data', (bytes) => {
      text += bytes.toString('utf8')
      if (!text.includes('\n')) return
      const answer = JSON.parse(text) as { result?: ResultOf<V>; error?: { message: string } }
      if (answer.result === undefined) return refuse(answer.error?.message ?? 'an empty answer')
      socket.destroy()
      resolve(answer.result)
    })
    socket.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: verb, params })}\n`)
  })
}
