//! Bytes between the nodes per call, counted by nftables rules on the sync port in one node's namespace.
//! They are bytes of IP packets, all links together; what flows without calls is taken off.
import { setTimeout as delay } from 'node:timers/promises'
import type { Lab } from '../lab.ts'
import { callLab, runLoad } from './call-lab.ts'
import { type BenchContext, round } from './figures.ts'

const syncPort = 5701
const callsPerSecond = 20
const holdMs = 1_000
const table = 'vccs_bench'

interface Count {
  readonly bytes: number
  readonly packets: number
}

export async function measureReplication({ seconds, say }: BenchContext): Promise<object> {
  const lab = await callLab('pair')
  try {
    const primary = await lab.primary()
    startCounting(lab, primary.node)
    await lab.inStep()
    const idle = await flowDuring(lab, primary.node, () => delay(seconds * 1_000))
    const calls = callsPerSecond * seconds
    const busy = await flowDuring(lab, primary.node, async () => {
      const { failed } = await runLoad(lab, { calls, callsPerSecond, holdMs })
      if (failed > 0) throw new Error(`${failed} of ${calls} calls failed`)
    })
    const perCall = (name: 'out' | 'in', unit: keyof Count) =>
      round((busy[name][unit] - (idle[name][unit] / idle.ms) * busy.ms) / calls)
    const figures = {
      calls,
      ...{ bytesToStandby: perCall('out', 'bytes'), bytesToPrimary: perCall('in', 'bytes') },
      ...{
        packetsToStandby: perCall('out', 'packets'),
        packetsToPrimary: perCall('in', 'packets'),
      },
      idleBytesPerSecond: round(((idle.out.bytes + idle.in.bytes) / idle.ms) * 1_000),
    }
    say(
      `per call ${figures.bytesToStandby} bytes in ${figures.packetsToStandby} packets to the ` +
        `standby, ${figures.bytesToPrimary} bytes back; ` +
        `${figures.idleBytesPerSecond} bytes/s without calls`,
    )
    return figures
  } finally {
    await lab.close()
  }
}

function startCounting(lab: Lab, node: 'a' | 'b'): void {
  lab.network.nft(node, [
    `add table inet ${table}`,
    `add counter inet ${table} in`,
    `add counter inet ${table} out`,
    `add chain inet ${table} input { type filter hook input priority -300; }`,
    `add chain inet ${table} output { type filter hook output priority -300; }`,
    `add rule inet ${table} input udp dport ${syncPort} counter name "in"`,
    `add rule inet ${table} output udp dport ${syncPort} counter name "out"`,
  ])
}

async function flowDuring(
  lab: Lab,
  node: 'a' | 'b',
  body: () => Promise<unknown>,
): Promise<{ in: Count; out: Count; ms: number }> {
  const before = readCounters(lab, node)
  const startMs = performance.now()
  await body()
  const ms = performance.now() - startMs
  const after = readCounters(lab, node)
  return { in: less(after.in, before.in), out: less(after.out, before.out), ms }
}

function less(after: Count, before: Count): Count {
  return { bytes: after.bytes - before.bytes, packets: after.packets - before.packets }
}

function readCounters(lab: Lab, node: 'a' | 'b'): { in: Count; out: Count } {
  const command = ['nft', '-j', 'list', 'counters', 'table', 'inet', table]
  const { nftables } = JSON.parse(lab.network.exec(node, command)) as {
    nftables: { counter?: Count & { name: string } }[]
  }
  const named = (name: string) =>
    nftables.find(({ counter }) => counter?.name === name)?.counter ?? { bytes: 0, packets: 0 }
  return { in: named('in'), out: named('out') }
}
