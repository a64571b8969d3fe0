//! The SIP port before the core: telephones first, strangers one in each turn of the loop.
import { setImmediate as turn } from 'node:timers/promises'
import test from 'ava'
import { FrontDoor } from '../../src/compose/front-door.ts'
import { limits } from '../../src/limits.ts'
import { Tables } from '../../src/tables/tables.ts'

const phone = { address: '10.0.1.1', port: 5060 }
const stranger = { address: '10.0.9.1', port: 5060 }
const attacker = { address: '10.0.9.9', port: 5060 }

function door() {
  const heard: string[] = []
  const programs: (Uint8Array | null)[] = []
  const alarms: string[][] = []
  const opened = new FrontDoor({
    tables: new Tables(),
    alarms: {
      reconcile: (_source, reports) => {
        alarms.push(reports.map(({ code, subject }) => `${code} ${subject}`))
      },
    },
    counters: () => ({ requestsRefused: 0, requestsUnsent: 0 }),
    peers: () => [phone],
    receive: (bytes) => heard.push(Buffer.from(bytes).toString()),
  })
  opened.attach({
    filter: (program) => {
      programs.push(program)
      return true
    },
  })
  opened.watch(0)
  return { opened, heard, programs, alarms }
}

test('what a telephone says is heard at once, what strangers say one in a turn and in order', async (t) => {
  const { opened, heard } = door()
  for (const text of ['one', 'two', 'three']) opened.take(Buffer.from(text), stranger, 1)
  t.deepEqual(heard, [])
  opened.take(Buffer.from('telephone'), phone, 1)
  t.deepEqual(heard, ['telephone'])
  for (const wanted of [1, 2, 3]) {
    await turn()
    t.is(heard.length, 1 + wanted)
    opened.take(Buffer.from('again'), phone, 1)
    t.is(heard.pop(), 'again')
  }
  t.deepEqual(heard, ['telephone', 'one', 'two', 'three'])
  opened.take(Buffer.from('later'), stranger, 2)
  await turn()
  t.is(heard.at(-1), 'later')
})

test('what a stranger said before it was throttled is not heard any more, nor what is too old', async (t) => {
  const { opened, heard, programs, alarms } = door()
  opened.take(Buffer.from('stranger'), stranger, 1)
  for (let n = 0; n < 3_000; n += 1) opened.take(Buffer.from('flood'), attacker, 10 + n / 20)
  t.is(programs.length, 1)
  await turn()
  await turn()
  t.deepEqual(heard.slice(0, 1), ['stranger'])
  opened.watch(1_000)
  t.deepEqual(alarms.at(-1), [`sip-flood ${attacker.address}`])

  for (let n = 0; n < limits.floodWaitingMax + 500; n += 1) {
    const from = { address: `10.2.${n % 250}.${n >> 8}`, port: 5060 }
    opened.take(Buffer.from(`${n}`), from, 2_000 + n * 3)
  }
  for (let n = 0; n < 2 * limits.floodWaitingMax; n += 1) await turn()
  t.true(heard.length <= limits.floodWaitingMax + 2 * limits.floodThrottledPerSecond)
  t.is(heard.at(-1), `${limits.floodWaitingMax + 499}`)
})
