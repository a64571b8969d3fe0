//! A corpus of malformed input against a pair with a call: it survives and goes on serving.
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { Lab, sipPort } from '../../scripts/lab.ts'
import { labUsers } from '../../scripts/lab-site.ts'
import { serviceAddress } from '../../scripts/net/netns.ts'
import { until } from '../../scripts/waiting.ts'
import { heard, lostIn, putDown, registerPhones, talk, wholeTones } from './call.ts'
import { corpus, inviteWith, malformed, pour, send, type Target, voicePaths } from './hostile.ts'

const seed = 20_260_801
const heartbeatPort = 5_700
const syncPort = 5_701
const sip: Target = { host: serviceAddress, port: sipPort }
const attacker = { member: 'attacker' }
let lab: Lab

test.before(async () => {
  lab = await Lab.start({ members: ['p1', 'p2', 'attacker'], users: labUsers(1001, 2) })
})

test.after.always(async () => {
  await lab?.close()
})

async function unitPids(): Promise<unknown> {
  const opinions = await Promise.all([lab.a, lab.b].map((node) => node.opinion()))
  return opinions.map(({ role, term, units }) => [role, term, units.map((u) => [u.unit, u.pid])])
}

/** RTP that each media unit did not take. */
async function refused(): Promise<number[]> {
  const opinions = await Promise.all([lab.a, lab.b].map((node) => node.opinion()))
  return opinions.map(({ media }) => media?.packetsRefused ?? 0)
}

/** Malformed voice from the very address and port of a telephone, which no source filter holds back. */
async function forgeVoice(): Promise<void> {
  const terminal = lab.network.address('p1')
  lab.network.exec('attacker', ['ip', 'address', 'add', `${terminal}/32`, 'dev', 'lo'])
  const before = await refused()
  const [path] = voicePaths(lab, terminal)
  if (path === undefined) throw new Error('the voice of p1 goes nowhere')
  const shots = malformed('rtp').map((bytes) => ({ target: path.service, bytes }))
  // Slower than the voice: whoever has a telephone's address and port can drown it, as by good packets.
  await send(lab, { ...attacker, from: path.terminal, everyMs: 60 }, shots)
  await until(async () => (await refused()).every((count, i) => count > (before[i] ?? 0)), {
    what: 'count of refused RTP on both nodes',
  })
}

test.serial(
  'malformed SIP, SDP, RTP, heartbeats, sync frames and control lines change nothing',
  async (t) => {
    const pair = await registerPhones(lab)
    await talk(pair)
    // The first second of a recording is not judged, and the rest of the test may take no longer.
    await delay(2_000)
    const before = await unitPids()
    const captures = await Promise.all([lab.capture('p1'), lab.capture('p2')])
    const fromMs = Date.now()

    await send(
      lab,
      attacker,
      corpus('sip', seed).map((bytes) => ({ target: sip, bytes })),
    )
    const invites = corpus('sdp', seed).map((sdp, index) => inviteWith(sdp, sip, index))
    await send(
      lab,
      attacker,
      invites.map((bytes) => ({ target: sip, bytes })),
    )

    const rtp = corpus('rtp', seed)
    const voicePorts = Array.from({ length: 16 }, (_, index) => 20_000 + index)
    const shots = voicePorts.flatMap((port) =>
      rtp.map((bytes) => ({ target: { host: serviceAddress, port }, bytes })),
    )
    await send(lab, attacker, shots)

    for (const link of lab.network.links) {
      // From the peer's own address: only the key tells its packets from these.
      const host = lab.network.linkAddress(link, 'a')
      const beats = corpus('heartbeat', seed).map((bytes) => ({
        target: { host, port: heartbeatPort },
        bytes,
      }))
      const frames = corpus('sync', seed).map((bytes) => ({
        target: { host, port: syncPort },
        bytes,
      }))
      await send(lab, { member: 'b' }, [...beats, ...frames])
    }
    for (const bytes of corpus('control', seed)) await pour(lab.a.controlSocket, bytes)

    const toMs = Date.now()
    t.deepEqual(await unitPids(), before)
    await lab.inStep()
    await putDown(pair.caller, pair)
    const [p1 = [], p2 = []] = await Promise.all(captures.map((capture) => capture.stop()))
    const address = lab.network.address('p1')
    t.is(lostIn(p1, address, { fromMs, toMs: toMs - 200 }), 0)
    t.is(heard(p1, address).length, 1)
    wholeTones(t, { lab, pair }, { p1, p2 })

    // A forger with a telephone's own address and port can spoil its voice, and no more.
    await talk(pair)
    await forgeVoice()
    t.deepEqual(await unitPids(), before)
    await putDown(pair.callee, pair)
  },
)
