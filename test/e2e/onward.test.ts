//! Where a call can go on to with unmodified telephones: a group, a conference, another system, by forwarding
//! and by transfer; a group whose members all join; a line that an emergency call takes from a lesser one, and
//! one that a class of service closes; a PIN that is dialled; reliable provisional answers (RFC 3262) of a
//! linphone, and its password by SHA-256. One lab.
import test, { type ExecutionContext } from 'ava'
import { readCapture } from '../../scripts/capture/pcap.ts'
import { sipMessages } from '../../scripts/capture/sip-analysis.ts'
import { Lab } from '../../scripts/lab.ts'
import { type LabUser, labUsers } from '../../scripts/lab-site.ts'
import { serviceAddress } from '../../scripts/net/netns.ts'
import { obstacleTo } from '../../scripts/net/packages.ts'
import { BaresipPhone } from '../../scripts/phones/baresip.ts'
import { until } from '../../scripts/waiting.ts'
import { calleeHz, callerHz, putDown, shareIn, talk, thirdHz } from './call.ts'
import { SilentStandbyWatch } from './silent-standby.ts'
import { callsAre, talking } from './talkers.ts'

const members = ['p1', 'p2', 'p3', 'p4', 'p5', 'p6']
const more: Readonly<Record<string, Partial<LabUser>>> = {
  '1002': { line: { noAnswerSeconds: 1 } },
  '1004': { rights: { priorityMax: 'emergency', trunkClasses: ['abroad'] } },
  '1005': { digest: 'sha-256' },
}
const users = labUsers(1001, 5).map((one) => ({ ...one, ...more[one.user] }))
const sophia = users.at(-1) as LabUser
const noLinphone = obstacleTo('linphonec')
const uriOf = (number: string) => `sip:${number}@${serviceAddress}`

let lab: Lab
let watch: SilentStandbyWatch
let anna: BaresipPhone
let ben: BaresipPhone
let cleo: BaresipPhone
let dora: BaresipPhone
/** A telephone of another system, which is reached over a trunk of one line. */
let outside: BaresipPhone

/** The addresses are known when the network is there. */
function site(): Record<string, unknown> {
  const address = lab.network.address('p6')
  return {
    groups: {
      desk: { number: '800', mode: 'first', members: ['1003', '1004'] },
      crew: { number: '801', mode: 'all', members: ['1002', '1003', '1004'] },
    },
    conferences: {
      room: { number: '700' },
      safe: { number: '701', pin: '4711', members: ['1001'] },
    },
    trunks: {
      far: { address, optionsSeconds: 0, capacity: 1, outgoing: { called: { '7': '', '77': '' } } },
    },
    routes: {
      far: { pattern: '75XXX', trunks: ['far'] },
      dear: { pattern: '775XXX', trunks: ['far'], class: 'abroad' },
    },
  }
}

test.before(async () => {
  const parts: Record<string, unknown> = {}
  lab = Lab.create({ members, users, site: parts })
  Object.assign(parts, site())
  await Promise.all([lab.a.start(), lab.b.start()])
  await lab.loadSite()
  await lab.inStep()
  watch = await SilentStandbyWatch.start(lab)
  const phones = users.slice(0, 4).map(({ user }, index) =>
    lab.phone(`p${index + 1}`, {
      user,
      toneHz: [callerHz, calleeHz, thirdHz][index] ?? calleeHz,
      answer: 'manual',
    }),
  )
  outside = await BaresipPhone.start({
    programs: lab.programs,
    namespace: lab.network.namespace('p6'),
    directory: `${lab.directory}/p6-5001`,
    address: lab.network.address('p6'),
    user: '5001',
    toneHz: calleeHz,
    answer: 'auto',
  })
  ;[anna, ben, cleo, dora] = (await Promise.all(phones)) as [
    BaresipPhone,
    BaresipPhone,
    BaresipPhone,
    BaresipPhone,
  ]
})

/** Ends what a failed test left behind, so that the next one finds free telephones. */
test.afterEach.always(async () => {
  const phones = [anna, ben, cleo, dora, outside]
  await Promise.allSettled(phones.map((phone) => phone?.hangUp()))
  await callsAre(lab, 0)
})

test.after.always(async () => {
  await lab?.close()
})

interface Onward {
  readonly name: string
  readonly number: string
  /** Somebody answers there, if anybody has to. */
  readonly taken: () => Promise<void>
  /** Who talks then, with the caller. */
  readonly talk: readonly string[]
}

const onwards: readonly Onward[] = [
  {
    name: 'a group',
    number: '800',
    taken: async () => {
      await Promise.all([cleo, dora].map((phone) => rung(phone)))
      const others = dora.next('CALL_CLOSED')
      await cleo.accept()
      await others
    },
    talk: ['1001', '1003'],
  },
  { name: 'a conference', number: '700', taken: async () => undefined, talk: ['1001'] },
  {
    name: 'another system',
    number: '75001',
    taken: async () => undefined,
    talk: ['1001', '75001'],
  },
]

/** It rings, or has rung since the telephones were free. */
async function rung(phone: BaresipPhone): Promise<void> {
  await until(
    () => phone.events.findLast(({ type }) => /^CALL_/.test(type))?.type === 'CALL_INCOMING',
    {
      what: `ringing at ${phone.options.user}`,
      everyMs: 10,
    },
  )
}

for (const { name, number, taken, talk: talkers } of onwards) {
  test.serial(`forwarding to ${name}, after a telephone has rung in vain`, async (t) => {
    const set = ben.next('CALL_CLOSED')
    await ben.dial(uriOf(`*52${number}`))
    await set
    const vain = ['CALL_INCOMING', 'CALL_CLOSED'].map((type) => ben.next(type))
    const established = anna.next('CALL_ESTABLISHED')
    await anna.dial(uriOf('1002'))
    await Promise.all(vain)
    await taken()
    await established
    await talking(t, lab, ...talkers)
    const over = anna.next('CALL_CLOSED')
    await anna.hangUp()
    await over
  })

  test.serial(`blind transfer to ${name}: who stays talks there`, async (t) => {
    const off = ben.next('CALL_CLOSED')
    await ben.dial(uriOf('*53'))
    await off
    await talk({ caller: anna, callee: ben })
    const left = ben.next('CALL_CLOSED', 'TRANSFER_FAILED')
    await ben.transfer(uriOf(number))
    await taken()
    t.is((await left).type, 'CALL_CLOSED')
    await talking(t, lab, ...talkers)
    const over = anna.next('CALL_CLOSED')
    await anna.hangUp()
    await over
  })
}

test.serial(
  'a group call that all join: who answers later is in, who does not is left out',
  async (t) => {
    const off = ben.next('CALL_CLOSED')
    await ben.dial(uriOf('*53'))
    await off
    const capture = await lab.capture('p1', `udp and src host ${serviceAddress}`)
    const address = lab.network.address('p1')
    const ringing = [ben, cleo, dora].map((phone) => phone.next('CALL_INCOMING'))
    const inside = anna.next('CALL_ESTABLISHED')
    await anna.dial(uriOf('801'))
    await Promise.all(ringing)
    const declined = dora.next('CALL_CLOSED')
    await dora.hangUp()
    await Promise.all([declined, cleo.accept(), inside])
    await talking(t, lab, '1001', '1003')
    const joined = ben.next('CALL_ESTABLISHED')
    await ben.accept()
    await joined
    await talking(t, lab, '1001', '1002', '1003')
    const hears = () => {
      const packets = readCapture(capture.file)
      const last = packets.findLast(({ destination }) => destination === address)?.timeMs ?? 0
      const window = { fromMs: last - 400, toMs: last }
      return [calleeHz, thirdHz].every((hz) => {
        return Math.abs(shareIn(packets, address, { ...window, hz }) - 0.5) < 0.1
      })
    }
    await until(hears, { what: 'both voices at the caller' })
    const gone = [anna, cleo].map((phone) => phone.next('CALL_CLOSED'))
    await ben.hangUp()
    await talking(t, lab, '1001', '1003')
    await anna.hangUp()
    await Promise.all(gone)
    await capture.stop()
    const focus = sipMessages(readCapture(capture.file)).filter(({ status, method, text }) => {
      return status === 200 && method === 'INVITE' && /^Contact:.*;isfocus/im.test(text)
    })
    t.true(focus.length > 0, 'the caller is told that it is a conference')
  },
)

test.serial('a route of a class is closed to whom it is not given', async (t) => {
  const refused = anna.next('CALL_CLOSED', 'CALL_ESTABLISHED')
  await anna.dial(uriOf('775001'))
  t.regex((await refused).param, /403/)
  const established = [dora, outside].map((phone) => phone.next('CALL_ESTABLISHED'))
  await dora.dial(uriOf('775001'))
  await Promise.all(established)
  await talking(t, lab, '1004', '775001')
  await putDown(dora, { caller: dora, callee: outside })
})

test.serial(
  'an emergency call takes the only line of a trunk, and its victim is told',
  async (t) => {
    const capture = await lab.capture('p1', `udp and src host ${serviceAddress}`)
    const first = [anna, outside].map((phone) => phone.next('CALL_ESTABLISHED'))
    await anna.dial(uriOf('75001'))
    await Promise.all(first)
    const refused = cleo.next('CALL_CLOSED')
    await cleo.dial(uriOf('75001'))
    t.regex((await refused).param, /503/, 'an ordinary call finds no line')
    const ended = anna.next('CALL_CLOSED')
    const second = dora.next('CALL_ESTABLISHED')
    await dora.dial(uriOf('*3975001'))
    await Promise.all([ended, second])
    await talking(t, lab, '1004', '75001')
    await putDown(dora, { caller: dora, callee: outside })
    await capture.stop()
    const byes = sipMessages(readCapture(capture.file)).filter(
      ({ method, status }) => method === 'BYE' && status === undefined,
    )
    t.regex(byes[0]?.text ?? '', /^Reason: WG-67;\s*cause=2000/im)
    const primary = await lab.primary()
    await until(
      async () => {
        const { output } = await primary.cli('cdr', '--party', '1001', '--cause', 'cause=2000')
        return /75001/.test(output)
      },
      { what: 'a call record that says so' },
    )
  },
)

function withLinphone(title: string, run: (t: ExecutionContext) => Promise<void>) {
  if (noLinphone === null) test.serial(title, run)
  else test.serial.skip(`${title} (cannot run here: ${noLinphone})`, run)
}

withLinphone(
  'linphone: reliable answers with their PRACK, and a conference whose PIN is dialled',
  async (t) => {
    const capture = await lab.capture('p5', `udp and host ${serviceAddress}`)
    const phone = await lab.linphone('p5', sophia, 500)
    try {
      const rings = ben.next('CALL_INCOMING')
      await Promise.all([rings, phone.does(`call ${uriOf('1002')}`, /ringing/)])
      const established = ben.next('CALL_ESTABLISHED')
      const connected = phone.next(/connected/)
      await ben.accept()
      await Promise.all([established, connected])
      await talking(t, lab, '1002', '1005')
      const closed = ben.next('CALL_CLOSED')
      await phone.does('terminate', /ended/)
      await closed

      const inside = anna.next('CALL_ESTABLISHED')
      await anna.dial(uriOf('701'))
      await inside
      const bridges = async () => (await (await lab.primary()).opinion()).media?.conferences
      await phone.does(`call ${uriOf('701')}`, /connected|Media streams/)
      await talking(t, lab, '1001', '1005')
      // Nobody is in before the PIN is right: each has a bridge of his own.
      await until(async () => (await bridges()) === 2, { what: 'two bridges' })
      await phone.does('4712#', /linphonec>/)
      t.is(await bridges(), 2)
      await phone.does('4711#', /linphonec>/)
      await until(async () => (await bridges()) === 1, { what: 'one bridge' })
      await phone.does('terminate', /ended/)
    } finally {
      await phone.stop()
    }
    await capture.stop()
    const messages = sipMessages(readCapture(capture.file))
    const shown = messages.findLast(({ text }) => /^REGISTER [\s\S]*^Authorization:/im.test(text))
    t.regex(shown?.text ?? '', /^Authorization: .*algorithm="?SHA-256/im)
    const { callId } = shown ?? {}
    t.true(messages.some((one) => one.callId === callId && one.status === 200))
    const reliable = messages.find(({ status, text }) => status === 180 && /^RSeq:/im.test(text))
    t.regex(reliable?.text ?? '', /^Require: 100rel/im)
    const rseq = /^RSeq: (\d+)/im.exec(reliable?.text ?? '')?.[1]
    const pracks = messages.filter(({ method }) => method === 'PRACK')
    t.true(pracks.some(({ text }) => new RegExp(`^RAck: ${rseq} \\d+ INVITE`, 'im').test(text)))
    t.true(pracks.some(({ status }) => status === 200))
  },
)

test.serial('the standby has sent no SIP in all of this', async (t) => {
  t.deepEqual((await watch.finish()).violations, [])
})
