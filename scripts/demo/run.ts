//! One demo from start to end: a call between two phones lives through the death of the primary, its
//! return and a planned switchover.
import { setTimeout as delay } from 'node:timers/promises'
import type { Capture } from '../capture/capture.ts'
import { Lab } from '../lab.ts'
import type { LabNode } from '../lab-node.ts'
import { labUsers } from '../lab-site.ts'
import type { BaresipPhone } from '../phones/baresip.ts'
import { type DemoReport, makeReport } from './report.ts'

interface DemoOptions {
  /** How long the call goes on after the kill. */
  readonly seconds: number
  readonly keepFiles: boolean
  readonly say: (text: string) => void
}

const users = labUsers(1001, 2)
/** Each has a quarter period left over in 20 ms, so a missing packet is a jump of phase. */
const tonesHz = [437.5, 612.5] as const
const settleMs = 2_500
const secondsAfterSwitchover = 3
const members = ['p1', 'p2', 'probe'] as const

type Captures = Readonly<Record<(typeof members)[number] | 'a' | 'b', Capture>>

interface Call {
  readonly lab: Lab
  readonly phones: readonly [BaresipPhone, BaresipPhone]
}

export async function runDemo(options: DemoOptions): Promise<DemoReport> {
  const { say } = options
  say('Building a LAN of namespaces and starting two daemons on it.')
  const lab = await Lab.start({ members, users, keepFiles: options.keepFiles })
  try {
    return await demonstrate(lab, options)
  } finally {
    await lab.close()
    say(
      options.keepFiles
        ? `All processes and namespaces are removed; files are left in ${lab.directory}.`
        : 'Everything is removed: processes, namespaces and files.',
    )
  }
}

async function demonstrate(lab: Lab, options: DemoOptions): Promise<DemoReport> {
  const { say } = options
  const victim = await lab.primary()
  const survivor = lab.other(victim)
  say(`${victim.name} is primary, ${survivor.name} is standby and in step.`)
  const captures = await startCaptures(lab)
  const call = await setUpCall(lab, say)
  await delay(settleMs)
  await showStatus(victim, say)

  const killMs = await killPrimary(lab, victim, options)
  await bringBack(lab, victim, survivor, options)
  const switchoverMs = await switchOver(survivor, say)
  await delay(secondsAfterSwitchover * 1000)
  await showStatus(victim, say)
  await putDown(call, say)
  const survivorMac = lab.network.mac(survivor.node)
  return makeReport({
    ...(await collect(call, captures)),
    survivorMac,
    events: { kill: killMs, switchover: switchoverMs },
    secondsAfter: { kill: options.seconds, switchover: secondsAfterSwitchover },
  })
}

async function startCaptures(lab: Lab): Promise<Captures> {
  const names = [...members, 'a', 'b'] as const
  const captures = await Promise.all(names.map((member) => lab.capture(member)))
  return Object.fromEntries(names.map((name, index) => [name, captures[index]])) as Captures
}

async function setUpCall(lab: Lab, say: DemoOptions['say']): Promise<Call> {
  const [one, two] = await Promise.all([
    lab.phone('p1', { user: '1001', toneHz: tonesHz[0], answer: 'auto' }),
    lab.phone('p2', { user: '1002', toneHz: tonesHz[1], answer: 'auto' }),
  ])
  say('Two baresip phones, 1001 and 1002, are registered at the service address.')
  const established = [one, two].map((phone) => phone.next('CALL_ESTABLISHED'))
  await one.dial(two.uri)
  await Promise.all(established)
  say(`1001 calls 1002; both talk: a tone of ${tonesHz[0]} Hz one way, ${tonesHz[1]} Hz the other.`)
  return { lab, phones: [one, two] }
}

async function showStatus(node: LabNode, say: DemoOptions['say']): Promise<void> {
  const { output } = await node.cli('status')
  say(`vccs status on ${node.name}:\n${output.replaceAll(/^/gm, '    ').trimEnd()}`)
}

/** @returns when the first SIGKILL was sent. */
async function killPrimary(lab: Lab, victim: LabNode, options: DemoOptions): Promise<number> {
  const probe = await lab.probe('probe')
  await delay(1_000)
  const { atMs, pids } = victim.killAll()
  options.say(`kill -9 of every process of ${victim.name}: ${pids.join(' ')}. The call goes on.`)
  await delay(options.seconds * 1000)
  await probe.stop()
  const primary = await lab.primary()
  options.say(`${options.seconds} seconds later: ${primary.name} serves.`)
  await showStatus(primary, options.say)
  return atMs
}

async function bringBack(
  lab: Lab,
  victim: LabNode,
  survivor: LabNode,
  { say }: DemoOptions,
): Promise<void> {
  const startMs = Date.now()
  say(`Starting ${victim.name} again.`)
  await victim.start()
  await lab.inStep()
  const tookMs = Date.now() - startMs
  const records = (await survivor.opinion()).sync?.tables.reduce((sum, t) => sum + t.records, 0)
  say(`${victim.name} is standby and in step after ${tookMs} ms, with ${records ?? '?'} records.`)
  // The twin stream of the returned node must have run for a while before the next event.
  await delay(settleMs)
}

/** @returns when the switchover was ordered. */
async function switchOver(primary: LabNode, say: DemoOptions['say']): Promise<number> {
  const atMs = Date.now()
  const { exitCode, output } = await primary.cli('switchover', '--yes', '--reason', 'demo')
  say(`vccs switchover --yes on ${primary.name}:\n${output.replaceAll(/^/gm, '    ').trimEnd()}`)
  if (exitCode !== 0) throw new Error(`the switchover was refused (exit code ${exitCode})`)
  return atMs
}

async function putDown({ phones }: Call, say: DemoOptions['say']): Promise<void> {
  const [one, two] = phones
  const closed = [one, two].map((phone) => phone.next('CALL_CLOSED'))
  await one.hangUp()
  await Promise.all(closed)
  say('1001 has put down; the call has ended on both phones.')
}

async function collect({ lab, phones }: Call, captures: Captures) {
  const names = ['p1', 'p2', 'probe', 'a', 'b'] as const
  const [p1 = [], p2 = [], probe = [], a = [], b = []] = await Promise.all(
    names.map((name) => captures[name].stop()),
  )
  await Promise.all(phones.map((phone) => phone.stop()))
  const macs = { a: lab.network.mac('a'), b: lab.network.mac('b') }
  return {
    phones: phones.map((phone, index) => ({
      user: phone.options.user,
      address: phone.options.address,
      packets: index === 0 ? p1 : p2,
      recording: phone.decodedAudioFiles().at(-1) ?? '',
      heardHz: tonesHz[1 - index] ?? 0,
    })),
    probe: { address: lab.network.address('probe'), packets: probe },
    sent: {
      a: a.filter((packet) => packet.ethernetSource === macs.a),
      b: b.filter((packet) => packet.ethernetSource === macs.b),
    },
  }
}
