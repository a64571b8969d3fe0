//! Units whose memory runs out. The switch says so, gives the role away before it stands still, and comes back
//! as standby. Its heap is bounded tightly in the node file; requests of known telephones, which it has to
//! remember, fill it (of strangers it remembers nothing). Nothing from outside fills those of media and pair,
//! which are bounded by the legs and links there can be: a leak is made in them.
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { between, ofTerminal, sipMessages } from '../../scripts/capture/sip-analysis.ts'
import { Lab, sipPort } from '../../scripts/lab.ts'
import type { UnitName } from '../../scripts/lab-node.ts'
import { labUsers } from '../../scripts/lab-site.ts'
import { serviceAddress } from '../../scripts/net/netns.ts'
import { exited } from '../../scripts/net/processes.ts'
import { until } from '../../scripts/waiting.ts'
import { holesIn, lostIn, type PhonePair, putDown, registerPhones, talk } from './call.ts'
import { send, type Target } from './hostile.ts'
import { phonePort, register } from './sipp-phones.ts'

/** Of as many telephones at one address so many requests are taken. */
const busy = labUsers(3001, 30)
const users = [...labUsers(1001, 2), ...busy]
const pace = { everyMs: 20, burst: 50 }
let lab: Lab
let pair: PhonePair

test.before(async () => {
  const nodeFile = { a: { memory: { switchMiB: 64, mediaMiB: 48, pairMiB: 48 } } }
  lab = await Lab.start({ members: ['p1', 'p2', 'probe'], users, nodeFile })
  pair = await registerPhones(lab)
  await register(lab, 'probe', busy)
})

test.after.always(async () => {
  await lab?.close()
})

/** Requests of their own transactions, each of which the server remembers for half a minute; as many as it
 * takes. */
function* requests(isEnough: () => boolean): Generator<{ target: Target; bytes: Buffer }> {
  const from = lab.network.address('probe')
  const target = { host: serviceAddress, port: sipPort }
  for (let n = 0; !isEnough(); n += 1) {
    const lines = [
      `OPTIONS sip:${serviceAddress} SIP/2.0`,
      `Via: SIP/2.0/UDP ${from}:${phonePort};branch=z9hG4bK-fill-${n}-${'x'.repeat(200)}`,
      `From: <sip:${busy[n % busy.length]?.user}@${from}>;tag=${n}`,
      `To: <sip:${serviceAddress}>`,
      `Call-ID: ${n}-${'y'.repeat(200)}@${from}`,
      'CSeq: 1 OPTIONS',
      'Max-Forwards: 70',
      `Contact: <sip:fill@${from}:${phonePort}>`,
      `User-Agent: ${'z'.repeat(600)}`,
      'Content-Length: 0',
    ]
    yield { target, bytes: Buffer.from(`${lines.join('\r\n')}\r\n\r\n`) }
  }
}

/** A call stands at the tight node, and a telephone hears both nodes. */
async function callAtTightNode() {
  // On a busy machine an order may come at a moment at which it is refused, or undone.
  const serves = async () => {
    if ((await lab.inStep()) === lab.a) return true
    await lab.b.cli('switchover', '--yes', '--reason', 'the tight node serves')
    return (await lab.inStep()) === lab.a
  }
  await until(serves, { what: 'the tight node to serve', msMax: 100_000 })
  await talk(pair)
  const phone = await lab.capture('p1')
  await delay(500)
  return { phone, fromMs: Date.now() }
}

async function pidOf(name: UnitName): Promise<number> {
  const { units } = await lab.a.opinion()
  return units.find(({ unit }) => unit === name)?.pid ?? 0
}

/** The node that gave the role away is standby, with another process as this unit. */
async function returned(unit: UnitName, pid: number): Promise<void> {
  await until(
    async () => {
      const { role, units } = await lab.a.opinion()
      const again = units.find((one) => one.unit === unit)
      return role === 'standby' && again?.state === 'up' && again.pid !== pid
    },
    { what: `return as standby with another ${unit}` },
  )
  await lab.inStep()
}

test.serial(
  'a switch near the bound of its memory gives the role away and returns as standby',
  async (t) => {
    const { phone, fromMs } = await callAtTightNode()
    const pid = await pidOf('switch')
    let isEnough = false
    const sending = send(
      lab,
      { member: 'probe', from: { host: lab.network.address('probe'), port: phonePort }, ...pace },
      requests(() => isEnough),
    )
    const alarms: string[] = []
    await until(
      async () => {
        const { active } = await lab.a.ask('alarms', {}).catch(() => ({ active: [] }))
        alarms.push(...active.map(({ code, subject }) => `${code} ${subject}`))
        return (await lab.b.opinion()).role === 'primary'
      },
      { what: 'take-over', msMax: 100_000 },
    ).finally(() => {
      isEnough = true
    })
    t.log(lab.a.wholeLog().match(/.*nearly exhausted.*/)?.[0] ?? 'no last word')
    t.true(alarms.includes('memory-low switch'))
    await returned('switch', pid)
    await sending
    const toMs = Date.now()
    t.regex(lab.a.wholeLog(), /"text":"the memory is nearly exhausted/)
    t.regex(lab.a.wholeLog(), /"of":"switch","how":"memory exhausted"/)
    t.regex(lab.b.wholeLog(), /"rule":"goodbye"/)
    const packets = await phone.stop()
    const address = lab.network.address('p1')
    t.is(
      lostIn(packets, address, { fromMs, toMs: toMs - 200 }),
      0,
      holesIn(packets, address, fromMs),
    )
    t.deepEqual(between(ofTerminal(sipMessages(packets), address), fromMs, toMs), [])
    await putDown(pair.callee, pair)
  },
)

for (const unit of ['media', 'pair'] as const) {
  test.serial(`a ${unit} unit whose memory is exhausted costs the role, and no call`, async (t) => {
    const { phone, fromMs } = await callAtTightNode()
    const pid = await pidOf(unit)
    const leak = lab.programs.start({
      namespace: lab.network.namespace('a'),
      command: process.execPath,
      args: [join(import.meta.dirname, '../../scripts/net/exhaust-heap.ts'), `${pid}`],
    })
    const end = exited(leak)
    await until(async () => (await lab.b.opinion()).role === 'primary', { what: 'take-over' })
    await returned(unit, pid)
    await end
    const toMs = Date.now()
    const packets = await phone.stop()
    const address = lab.network.address('p1')
    const window = { fromMs, toMs: toMs - 200 }
    t.is(lostIn(packets, address, window), 0, holesIn(packets, address, fromMs))
    t.deepEqual(between(ofTerminal(sipMessages(packets), address), fromMs, toMs), [])
    t.log(lab.a.wholeLog().match(new RegExp(`"of":"${unit}","how":"[^"]*"`))?.[0] ?? '')
    await putDown(pair.callee, pair)
  })
}
