//! What a call that is held takes of the memory of the switch process, alone and in a pair: the heap without
//! garbage before, and when the transactions of the set-up have been forgotten.
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Lab } from '../lab.ts'
import type { LabNode } from '../lab-node.ts'
import { until } from '../waiting.ts'
import { callLab, runLoad } from './call-lab.ts'
import { type BenchContext, round } from './figures.ts'
import { runningNodes, switchPid } from './switch-subject.ts'

const calls = 300
const callsPerSecond = 50
/** A transaction of RFC 3261 is remembered for 32 s. */
const settleMs = 36_000
const holdMs = settleMs + 14_000

interface Memory {
  readonly heapUsed: number
  readonly external: number
  readonly rss: number
}

export async function measureIdleCalls(context: BenchContext): Promise<object> {
  return { alone: await heldIn('one', context), pair: await heldIn('pair', context) }
}

async function heldIn(nodes: 'one' | 'pair', { say }: BenchContext): Promise<object> {
  const lab = await callLab(nodes)
  try {
    // What the first calls leave behind for good is no part of a call: code, and tables that have grown.
    await runLoad(lab, { calls, callsPerSecond: 2 * callsPerSecond, holdMs: 1_000 })
    await delay(settleMs)
    const running = await runningNodes(lab)
    const before = await Promise.all(running.map((node) => memoryOf(lab, node)))
    const load = runLoad(lab, { calls, callsPerSecond, holdMs })
    const primary = await lab.primary()
    await until(async () => (await primary.ask('calls', {})).calls.length === calls, {
      what: `${calls} calls that are held`,
    })
    await delay(settleMs - (calls / callsPerSecond) * 1_000)
    const during = await Promise.all(running.map((node) => memoryOf(lab, node)))
    const held = (await primary.ask('calls', {})).calls.length
    const { failed } = await load
    const figures = running.map((node, index) => ({
      role: node === primary ? 'primary' : 'standby',
      ...perCall(before[index], during[index]),
    }))
    for (const { role, heapBytes, residentBytes } of figures) {
      const grown = `${heapBytes} bytes of heap, ${residentBytes} resident`
      say(`${nodes === 'one' ? 'one node alone' : role}: a held call takes ${grown}`)
    }
    return { calls, held, failed, figures }
  } finally {
    await lab.close()
  }
}

function perCall(before: Memory | undefined, during: Memory | undefined) {
  if (before === undefined || during === undefined) throw new Error('a node was not measured')
  const each = (from: number, to: number) => round((to - from) / calls)
  return {
    heapBytes: each(before.heapUsed + before.external, during.heapUsed + during.external),
    residentBytes: each(before.rss, during.rss),
    heapBeforeMiB: round(before.heapUsed / 2 ** 20),
  }
}

async function memoryOf(lab: Lab, node: LabNode): Promise<Memory> {
  const script = join(import.meta.dirname, '../net/heap-of.ts')
  const pid = String(await switchPid(node))
  return JSON.parse(lab.network.exec(node.node, [process.execPath, script, pid])) as Memory
}
