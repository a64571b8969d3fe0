//! The services of a telephone with unmodified telephones (baresip, linphone, sipp), in one lab: what a
//! user dials or does, what rings then, and what the switch says of the calls.
import test, { type ExecutionContext } from 'ava'
import { readCapture } from '../../scripts/capture/pcap.ts'
import { sipMessages } from '../../scripts/capture/sip-analysis.ts'
import { Lab } from '../../scripts/lab.ts'
import { type LabUser, labUsers } from '../../scripts/lab-site.ts'
import { serviceAddress } from '../../scripts/net/netns.ts'
import { obstacleTo } from '../../scripts/net/packages.ts'
import type { BaresipPhone } from '../../scripts/phones/baresip.ts'
import type { LinphonePhone } from '../../scripts/phones/linphone.ts'
import type { Sipp } from '../../scripts/phones/sipp.ts'
import { until } from '../../scripts/waiting.ts'
import { calleeHz, callerHz, putDown, talk } from './call.ts'
import { SilentStandbyWatch } from './silent-standby.ts'
import { allWell, authentication, phonePort, register, server } from './sipp-phones.ts'
import { callsAre, talkers, talking } from './talkers.ts'

const watchers = labUsers(1006, 2)
const [sophia] = labUsers(1005, 1) as [LabUser]
const [lamp] = watchers as [LabUser]
/** Each of the first four is a baresip; the first one may do everything. */
const lines: Readonly<Record<string, Omit<LabUser, 'user' | 'password'>>> = {
  '1001': { rights: { intrude: true, forceRelease: true, monitor: true } },
  '1002': { line: { pickupGroup: 'tower' }, rights: { beIntruded: true, beMonitored: true } },
  '1003': { line: { pickupGroup: 'tower', waiting: 5 } },
  '1004': { line: { noAnswerSeconds: 2 }, forward: { noAnswer: '1003' } },
  '1006': { line: { pickupGroup: 'tower' } },
}
const users = labUsers(1001, 7).map((one) => ({ ...one, ...lines[one.user] }))
const noLinphone = obstacleTo('linphonec')
const uriOf = (number: string) => `sip:${number}@${serviceAddress}`

let lab: Lab
let watch: SilentStandbyWatch
let anna: BaresipPhone
let ben: BaresipPhone
let cleo: BaresipPhone
let dora: BaresipPhone
const running: Sipp[] = []

test.before(async () => {
  lab = await Lab.start({ members: ['p1', 'p2', 'p3', 'p4', 'p5', 'p6'], users })
  watch = await SilentStandbyWatch.start(lab)
  const phones = ['1001', '1002', '1003', '1004'].map((user, index) =>
    lab.phone(`p${index + 1}`, {
      user,
      toneHz: index % 2 === 0 ? callerHz : calleeHz,
      answer: 'manual',
    }),
  )
  ;[anna, ben, cleo, dora] = (await Promise.all(phones)) as [
    BaresipPhone,
    BaresipPhone,
    BaresipPhone,
    BaresipPhone,
  ]
  await register(lab, 'p6', watchers)
})

/** Ends what a failed test left behind, so that the next one finds free telephones. */
test.afterEach.always(async () => {
  for (const sipp of running.splice(0)) sipp.stop()
  const phones = [anna, ben, cleo, dora]
  await Promise.allSettled(phones.map((phone) => phone?.hangUp()))
  await callsAre(lab, 0)
})

test.after.always(async () => {
  await lab?.close()
})

/** Dials for a setting, which is answered with a refusal or a tone, and is over by itself. */
async function set(phone: BaresipPhone, dialled: string): Promise<void> {
  const over = phone.next('CALL_CLOSED')
  await phone.dial(uriOf(dialled))
  await over
}

/** Dials, and somebody else than the one dialled rings and answers. */
async function reaches(
  caller: BaresipPhone,
  dialled: string,
  reached: BaresipPhone,
): Promise<void> {
  const incoming = reached.next('CALL_INCOMING')
  await caller.dial(uriOf(dialled))
  await incoming
  await answer(caller, reached)
}

async function answer(caller: BaresipPhone, reached: BaresipPhone): Promise<void> {
  const established = [caller, reached].map((phone) => phone.next('CALL_ESTABLISHED'))
  await reached.accept()
  await Promise.all(established)
}

interface Forwarding {
  readonly name: string
  readonly on: string
  readonly off: string
}

const forwardings: readonly Forwarding[] = [
  { name: 'unconditional', on: '*721003', off: '*73' },
  { name: 'busy', on: '*901003', off: '*91' },
]

for (const { name, on, off } of forwardings) {
  test.serial(`forwarding, ${name}: set by dialling it rings at the other telephone`, async (t) => {
    await set(ben, on)
    const other = { caller: dora, callee: ben }
    if (name === 'busy') await talk(other)
    await reaches(anna, '1002', cleo)
    await until(async () => (await talkers(lab)).some((call) => call.join() === '1001,1003'), {
      what: 'a call to the third',
    })
    await putDown(anna, { caller: anna, callee: cleo })
    if (name === 'busy') await putDown(ben, other)
    await set(ben, off)
    await reaches(anna, '1002', ben)
    await putDown(ben, { caller: anna, callee: ben })
    t.pass()
  })
}

test.serial(
  'forwarding, no answer: a telephone that rings in vain stops, another rings',
  async (t) => {
    const rings = dora.next('CALL_INCOMING')
    const stops = dora.next('CALL_CLOSED')
    const next = cleo.next('CALL_INCOMING')
    await anna.dial(uriOf('1004'))
    await Promise.all([rings, stops, next])
    await answer(anna, cleo)
    await putDown(cleo, { caller: anna, callee: cleo })
    t.pass()
  },
)

test.serial('do not disturb: the caller is refused, until it is taken back', async (t) => {
  await set(ben, '*78')
  const refused = anna.next('CALL_CLOSED')
  await anna.dial(uriOf('1002'))
  t.regex((await refused).param, /48[06]/)
  await set(ben, '*79')
  await reaches(anna, '1002', ben)
  await putDown(anna, { caller: anna, callee: ben })
})

test.serial('pick-up: what rings in the group is taken with two digits', async (t) => {
  const incoming = ben.next('CALL_INCOMING')
  await anna.dial(uriOf('1002'))
  await incoming
  const taken = [anna, cleo].map((phone) => phone.next('CALL_ESTABLISHED'))
  const stopped = ben.next('CALL_CLOSED')
  await cleo.dial(uriOf('*8'))
  await Promise.all([...taken, stopped])
  await talking(t, lab, '1001', '1003')
  await putDown(anna, { caller: anna, callee: cleo })
})

test.serial('forced release: the conversation ends for the call of who may do so', async (t) => {
  await talk({ caller: dora, callee: ben })
  const released = dora.next('CALL_CLOSED')
  const rings = ben.next('CALL_INCOMING')
  await anna.dial(uriOf('*381002'))
  await Promise.all([released, rings])
  await answer(anna, ben)
  await talking(t, lab, '1001', '1002')
  await putDown(ben, { caller: anna, callee: ben })
})

test.serial('call back: who found a telephone busy is called when it is free', async (t) => {
  const first = { caller: anna, callee: ben }
  await talk(first)
  const busy = cleo.next('CALL_CLOSED')
  await cleo.dial(uriOf('1002'))
  t.regex((await busy).param, /486/)
  await set(cleo, '*661002')
  const asked = cleo.next('CALL_INCOMING')
  await putDown(anna, first)
  await asked
  const rings = ben.next('CALL_INCOMING')
  const established = [cleo, ben].map((phone) => phone.next('CALL_ESTABLISHED'))
  await cleo.accept()
  await rings
  await ben.accept()
  await Promise.all(established)
  await talking(t, lab, '1002', '1003')
  await putDown(ben, { caller: cleo, callee: ben })
})

test.serial('monitoring: who may, hears a conversation until it ends', async (t) => {
  const call = { caller: cleo, callee: ben }
  await talk(call)
  const listens = anna.next('CALL_ESTABLISHED')
  await anna.dial(uriOf('*351002'))
  await listens
  const primary = await lab.primary()
  const { calls } = await primary.ask('calls', {})
  const shown = await Promise.all(
    calls.map(async ({ sessionId }) => (await primary.ask('call.show', { sessionId })).call),
  )
  t.deepEqual(shown.flatMap(({ services }) => services).sort(), ['monitored', 'monitoring'])
  const over = anna.next('CALL_CLOSED')
  await putDown(ben, call)
  await over
})

/** What a watcher was told, in the order in which it came. */
function notified(file: string, user: string): { readonly text: string }[] {
  const address = lab.network.address('p6')
  return sipMessages(readCapture(file)).filter(
    ({ method, status, destination, text }) =>
      method === 'NOTIFY' &&
      status === undefined &&
      destination === address &&
      text.includes(`<sip:${user}@`),
  )
}

test.serial(
  'busy lamp and presence follow a call, and a pick-up by what the lamp was told (Replaces)',
  async (t) => {
    const capture = await lab.capture('p6', `udp and src host ${serviceAddress}`)
    const watching = lab.sipp('p6', {
      scenario: 'uac-watch',
      port: phonePort,
      server,
      calls: 2,
      users: [
        '1006;dialog;1002;application/dialog-info+xml',
        '1007;presence;1002;application/pidf+xml',
      ],
    })
    running.push(watching)
    const told = (user: string, what: RegExp) =>
      until(() => notified(capture.file, user).find(({ text }) => what.test(text)), {
        what: `NOTIFY ${what}`,
      })
    await told('1006', /<dialog-info/)
    await told('1007', /<basic>open<\/basic>/)
    const rings = ben.next('CALL_INCOMING')
    await anna.dial(uriOf('1002'))
    await rings
    const { text } = await told('1006', /<state>early<\/state>/)
    await told('1007', /on-the-phone/)

    const value = (name: string) => new RegExp(` ${name}="([^"]+)"`).exec(text)?.[1] ?? ''
    const tags = `to-tag=${value('local-tag')};from-tag=${value('remote-tag')}`
    const replaces = `${value('call-id')};${tags};early-only`
    const stops = ben.next('CALL_CLOSED')
    const established = anna.next('CALL_ESTABLISHED')
    const taking = lab.sipp('p6', {
      ...{ scenario: 'uac-call-with-digest', port: 5080, server, calls: 1, pauseMs: 1_000 },
      authUri: `1002@${serviceAddress}`,
      users: [`1006;${authentication(lamp)};1002`],
      values: { more: `\nReplaces: ${replaces}\nRequire: replaces` },
    })
    running.push(taking)
    await Promise.all([stops, established])
    await talking(t, lab, '1001', '1006')
    t.like(await taking.done(), allWell(1), taking.report())
    await until(
      () => {
        const last = notified(capture.file, '1006').at(-1)
        return last !== undefined && !/<dialog /.test(last.text)
      },
      { what: 'a dark lamp' },
    )
    const states = notified(capture.file, '1007').map((one) => /on-the-phone/.test(one.text))
    t.deepEqual(states.slice(0, 2), [false, true])
    watching.stop()
    await capture.stop()
  },
)

function withLinphone(title: string, run: (t: ExecutionContext, one: LinphonePhone) => unknown) {
  const whole = async (t: ExecutionContext) => {
    const phone = await lab.linphone('p5', sophia, 500)
    try {
      await run(t, phone)
    } finally {
      await phone.stop()
    }
  }
  if (noLinphone === null) test.serial(title, whole)
  else test.serial.skip(`${title} (cannot run here: ${noLinphone})`, whole)
}

withLinphone('linphone registers, calls, holds, resumes and is called', async (t, linphone) => {
  const rings = ben.next('CALL_INCOMING')
  const progress = linphone.does(`call ${uriOf('1002')}`, /ringing/)
  await Promise.all([rings, progress])
  const established = ben.next('CALL_ESTABLISHED')
  const connected = linphone.next(/connected/)
  await ben.accept()
  await Promise.all([established, connected])
  await linphone.does('pause', /is now paused/)
  await until(async () => (await (await lab.primary()).opinion()).service?.held === 1, {
    what: 'a held call',
  })
  await linphone.does('resume', /Media streams established/)
  await talking(t, lab, '1002', '1005')
  const closed = ben.next('CALL_CLOSED')
  await linphone.does('terminate', /ended/)
  await closed

  const called = linphone.next(/Receiving new incoming call/)
  await anna.dial(linphone.uri)
  await called
  const talks = anna.next('CALL_ESTABLISHED')
  await linphone.does('answer', /connected|Media streams/)
  await talks
  await talking(t, lab, '1001', '1005')
  const over = linphone.next(/ended/)
  await anna.hangUp()
  await over
})

withLinphone('attended transfer by linphone: both whom it called talk', async (t, linphone) => {
  for (const phone of [ben, cleo]) {
    const rings = phone.next('CALL_INCOMING')
    await linphone.does(`call ${uriOf(phone === ben ? '1002' : '1003')}`, /ringing/)
    await rings
    const connected = linphone.next(/connected/)
    await phone.accept()
    await connected
    if (phone === ben) await linphone.does('pause', /is now paused/)
  }
  const left = linphone.next(/ended[\s\S]*ended/)
  await linphone.does('transfer 1 --to-call 2', /attended transfer/)
  await left
  await talking(t, lab, '1002', '1003')
  await putDown(ben, { caller: ben, callee: cleo })
})

test.serial('the standby has sent no SIP in all of this', async (t) => {
  t.deepEqual((await watch.finish()).violations, [])
})
