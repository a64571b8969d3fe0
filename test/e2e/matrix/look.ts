//! What a node says of the calls of a row, what its terminals got of their voice, and whether anything
//! is left of them afterwards.
import type { CallDetail } from '../../../daemon/src/control/call-schema.ts'
import { aLawToLinear, muLawToLinear } from '../../../daemon/src/wire/g711.ts'
import type { UdpPacket } from '../../../scripts/capture/pcap.ts'
import {
  figuresFrom,
  isRtp,
  type RtpStream,
  rtpStreams,
  streamName,
} from '../../../scripts/capture/rtp-analysis.ts'
import type { Lab } from '../../../scripts/lab.ts'
import { sipPort } from '../../../scripts/lab.ts'
import type { LabNode } from '../../../scripts/lab-node.ts'
import { serviceAddress } from '../../../scripts/net/netns.ts'

/** Members of the calls of a row, and their states; of one in several calls each that differs. */
export type Standing = Readonly<Record<string, string>>

const packetMs = 20
/** What was under way when something ended. */
const marginMs = 200

/** Live calls whose members have numbers that begin so. */
export async function callsOf(node: LabNode, key: string): Promise<CallDetail[]> {
  return ofRow(await allCalls(node), key)
}

export function ofRow(calls: readonly CallDetail[], key: string): CallDetail[] {
  return calls.filter(({ members }) => members.some(({ number }) => number.startsWith(key)))
}

/** Ends the calls of a row, as an operator does. */
export async function release(node: LabNode, key: string): Promise<void> {
  const calls = await callsOf(node, key)
  await Promise.allSettled(calls.map(({ sessionId }) => node.ask('call.release', { sessionId })))
}

interface Looks {
  readonly running: Promise<CallDetail[]>
  next: Promise<CallDetail[]> | null
}

const looks = new WeakMap<LabNode, Looks>()

/** All live calls. One look at a time at a node: whoever asks meanwhile shares the next one. */
export function allCalls(node: LabNode): Promise<CallDetail[]> {
  const now = looks.get(node)
  if (now === undefined) return beginLook(node)
  const next = () => beginLook(node)
  now.next ??= now.running.then(next, next)
  return now.next
}

function beginLook(node: LabNode): Promise<CallDetail[]> {
  const running = lookAt(node).finally(() => {
    if (looks.get(node)?.running === running) looks.delete(node)
  })
  looks.set(node, { running, next: null })
  return running
}

async function lookAt(node: LabNode): Promise<CallDetail[]> {
  const { calls } = await node.ask('calls', {})
  const shown = await Promise.allSettled(
    calls.map(async ({ sessionId }) => (await node.ask('call.show', { sessionId })).call),
  )
  // One that has ended between both questions.
  return shown.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
}

export function standingOf(calls: readonly CallDetail[]): Standing {
  const members = calls.flatMap((call) => call.members)
  const present = members.filter(({ state }) => state !== 'releasing' && state !== 'released')
  const states = Map.groupBy(present, ({ number }) => number)
  return Object.fromEntries(
    [...states].map(([number, all]) => {
      return [number, [...new Set(all.map(({ state }) => state))].sort().join(' and ')]
    }),
  )
}

export function stands(calls: readonly CallDetail[], wanted: Standing): boolean {
  const text = (standing: Standing) => JSON.stringify(Object.entries(standing).sort())
  return text(standingOf(calls)) === text(wanted)
}

/** Names of the streams that the switch sends to the members of these calls. */
export function streamsTo(calls: readonly CallDetail[]): string[] {
  return calls.flatMap(({ members }) =>
    members.flatMap(({ media }) => {
      if (media === null || !media.direction.startsWith('send')) return []
      return [`${serviceAddress}:${media.localPort}>${media.remote}`]
    }),
  )
}

export interface Window {
  readonly fromMs: number
  readonly toMs: number
}

/** Nobody says less: A-law and u-law know no zero. */
const silence = 8

function isSilent({ payload }: UdpPacket): boolean {
  const decode = (payload.readUInt8(1) & 0x7f) === 8 ? aLawToLinear : muLawToLinear
  return payload.subarray(12).every((byte) => Math.abs(decode(byte)) <= silence)
}

export class Heard {
  readonly #packets: ReadonlyMap<string, readonly UdpPacket[]>
  readonly #streams: ReadonlyMap<string, RtpStream>

  constructor(packets: readonly UdpPacket[]) {
    this.#packets = Map.groupBy(packets.filter(isRtp), streamName)
    this.#streams = new Map(rtpStreams(packets).map((stream) => [stream.name, stream]))
  }

  /** Packets that were due to these terminals, and those that neither twin brought.
   * @param begins the switch may not have sent there when the window began: due from the first packet on
   * @param ends it may have ended before the window did: due up to the last packet */
  lost(
    names: readonly string[],
    window: Window,
    { begins = false, ends = false } = {},
  ): { due: number; lost: number } {
    const figures = names.map((name) => {
      const stream = this.#streams.get(name)
      const inside = (stream?.packets ?? []).filter(
        ({ timeMs }) => timeMs >= window.fromMs && timeMs <= window.toMs,
      )
      const fromMs = (begins ? inside[0]?.timeMs : undefined) ?? window.fromMs
      const last = (ends ? inside.at(-1)?.timeMs : undefined) ?? window.toMs
      const toMs = Math.min(last, window.toMs - marginMs)
      const packetsExpected = Math.max(1, Math.floor((toMs - fromMs) / packetMs))
      if (stream === undefined) return { due: packetsExpected, lost: packetsExpected }
      const { packetsLost } = figuresFrom(stream, { fromMs, packetsExpected })
      return { due: packetsExpected, lost: packetsLost }
    })
    return {
      due: figures.reduce((sum, { due }) => sum + due, 0),
      lost: figures.reduce((sum, { lost }) => sum + lost, 0),
    }
  }

  /** One line for each of the streams on which hardly anything but silence came. */
  silent(names: readonly string[], { fromMs, toMs }: Window): string[] {
    return names.flatMap((name) => {
      const inside = (this.#packets.get(name) ?? []).filter(
        ({ timeMs }) => timeMs >= fromMs && timeMs <= toMs,
      )
      const silent = inside.filter(isSilent).length
      if (2 * silent < inside.length) return []
      const copies = [...Map.groupBy(inside, ({ payload }) => payload.readUInt16BE(2)).values()]
      const unequal = copies.filter(([one, other]) => {
        return one !== undefined && other !== undefined && !one.payload.equals(other.payload)
      })
      const text = `${silent} of ${inside.length} packets silent`
      const twins = copies.filter((list) => list.length > 1).length
      return [`voice: ${name}: ${text}, ${unequal.length} of ${twins} twins unequal`]
    })
  }
}

/** What a node still holds of calls; empty: nothing. */
export async function leftovers(lab: Lab, node: LabNode): Promise<string[]> {
  const { service, media } = await node.opinion()
  const { realTime } = await node.ask('sync.status', {})
  const tables = realTime.tables.filter(({ table }) => tablesOfCalls.includes(table))
  const ports = lab.network
    .exec(node.node, ['ss', '-Huan'])
    .split('\n')
    .filter((line) => line.includes(` ${serviceAddress}:`))
    .filter((line) => !line.includes(` ${serviceAddress}:${sipPort} `))
  const counts = {
    calls: service?.calls ?? -1,
    legs: media?.legs ?? -1,
    bridges: media?.conferences ?? -1,
    ...Object.fromEntries(tables.map(({ table, records }) => [table, records])),
    ports: ports.length,
  }
  return Object.entries(counts).flatMap(([what, count]) =>
    count === 0 ? [] : [`${node.name}: ${count} ${what}`],
  )
}

const tablesOfCalls: readonly string[] = ['wired-conference', 'wired-media', 'conference-resource']
