//! Work that would hold up the loop of a process for too long, on a thread of its own.
import { Worker } from 'node:worker_threads'

/** Of one piece of work; more ends it, not the process. */
const heapMiBMax = 512

/** Runs the module `entry`, which reads `workerData` and posts one message.
 * @returns that message. Rejects when the thread ends without one. */
export function inBackground(entry: URL, workerData: unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const resourceLimits = { maxOldGenerationSizeMb: heapMiBMax }
    const worker = new Worker(entry, { workerData, resourceLimits })
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', (code) => reject(new Error(`the thread ended with ${code}`)))
  })
}
