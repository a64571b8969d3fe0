//! Digits on their way to the services: from media and INFO, once each, also over a take-over.
import test from 'ava'
import { limits } from '../../src/limits.ts'
import { deliver } from '../../src/switching/deliver.ts'
import { HeardDigits } from '../../src/switching/dialled.ts'
import type { Service } from '../../src/switching/services/service.ts'
import { infoDigit } from '../../src/wire/info-digit.ts'
import { scripts } from './core-calls.ts'
import { Stage } from './core-stage.ts'
import { exchangeOn, workOn } from './exchange-on-stage.ts'

test('a digit is read from each of the three bodies of an INFO, and nothing else is one', (t) => {
  const cases: [string | undefined, string, string | null][] = [
    ['application/dtmf-relay', 'Signal=5\r\nDuration=160\r\n', '5'],
    ['application/dtmf-relay', 'Signal= *\r\nDuration= 250', '*'],
    ['Application/DTMF-Relay; charset=utf-8', 'Duration=100\nsignal=#\n', '#'],
    ['application/dtmf-relay', 'Signal=11\r\n', '#'],
    ['application/dtmf-relay', 'Signal=d', 'D'],
    ['application/dtmf-relay', 'Signal=16', '!'],
    ['application/dtmf-relay', 'Signal=17', null],
    ['application/dtmf-relay', 'Signal=', null],
    ['application/dtmf-relay', `Signal=5\r\n${'x'.repeat(100)}`, null],
    ['application/dtmf', '7', '7'],
    ['application/dtmf', 'Signal=hf\r\n', '!'],
    ['application/dtmf', '', null],
    ['audio/telephone-event', '\u000b\u008a\u0003\u0020', '#'],
    ['audio/telephone-event', '0', null],
    ['text/plain', 'Signal=5', null],
    [undefined, 'Signal=5', null],
  ]
  for (const [type, body, digit] of cases) t.is(infoDigit(type, body), digit, `${type} ${body}`)
})

function stageWith(services: readonly Service[]) {
  const stage = new Stage()
  for (const step of scripts['answered, hung up by the caller']?.slice(0, 4) ?? []) step(stage)
  const exchange = exchangeOn(stage, services)
  const sessionId = [...stage.tables.wiredConference.values()][0]?.sessionId ?? ''
  const member = () =>
    stage.tables.wiredConference.get(sessionId)?.members.find(({ leg }) => leg === 'a')
  const press = (digit: string, mark: string) =>
    workOn(stage, exchange, (call) => deliver(call, 'digit', { leg: 'a', digit, mark }))
  return { press, member }
}

test('a digit is given to the first service that takes it, once, and is in its commit', (t) => {
  const asked: string[] = []
  const services: Service[] = [
    { name: 'star', dialled: (_, leg, digit) => asked.push(`star ${leg}${digit}`) < 0 },
    { name: 'pin', dialled: (_, leg, digit) => asked.push(`pin ${leg}${digit}`) > 0 },
    { name: 'last', dialled: () => asked.push('last') > 0 },
  ]
  const { press, member } = stageWith(services)
  press('4', '1.160')
  press('4', '1.160')
  t.deepEqual(asked, ['star a4', 'pin a4'])
  t.is(member()?.lastDigit, '1.160')
  press('4', '1.1600')
  t.deepEqual(asked.slice(2), ['star a4', 'pin a4'])
})

test('a digit that no service takes changes nothing', (t) => {
  const { press, member } = stageWith([{ name: 'pin', dialled: () => false }])
  const before = member()
  t.deepEqual(press('4', '1.160'), [])
  t.is(member(), before)
})

test('after a take-over the digits that the primary did not do are done, each once', (t) => {
  const heard = new HeardDigits()
  const press = (mediaId: string, mark: string, atMs: number) =>
    heard.keep({ mediaId, digit: '1', mark }, atMs)
  press('a', 'old', 0)
  press('a', 'one', 9_000)
  press('b', 'two', 9_010)
  press('a', 'three', 9_100)
  press('a', 'four', 9_200)
  press('b', 'five', 9_300)
  // The primary lived until 9,050 ms and has done what `a` dialled up to `three`.
  heard.begin(9_050, 9_500, (id) => (id === 'a' ? 'three' : null))
  t.is(heard.nextMs(), 9_500)
  t.deepEqual(
    heard.take().map(({ mark }) => mark),
    ['two', 'four', 'five'],
  )
  t.is(heard.nextMs(), null)
})

test('a standby remembers digits for a moment only', (t) => {
  const heard = new HeardDigits()
  for (let n = 0; n < 5_000; n++) heard.keep({ mediaId: 'a', digit: '1', mark: `${n}` }, n)
  heard.begin(null, 5_000, () => null)
  const taken = heard.take()
  t.true(taken.length <= limits.heardMax)
  t.is(taken.at(-1)?.mark, '4999')
})
