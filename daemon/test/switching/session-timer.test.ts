//! The agreement on session timers (RFC 4028), as pure rules.
import test from 'ava'
import { limits } from '../../src/limits.ts'
import {
  isTooShort,
  minSeOf,
  sessionExpiresOf,
  settleTimer,
  timerDueMs,
  timerFor,
  timerHeaders,
  timerOffer,
} from '../../src/switching/dialog/session-timer.ts'
import type { SipMessage } from '../../src/wire/sip/message.ts'
import { parseSip } from '../../src/wire/sip/parse.ts'

function messageWith(...headers: string[]): SipMessage {
  const message = parseSip(
    Buffer.from(
      [
        'INVITE sip:102@10.0.0.9 SIP/2.0',
        'Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1',
        'From: <sip:101@10.0.0.9>;tag=a',
        'To: <sip:102@10.0.0.9>',
        'Call-ID: c',
        'CSeq: 1 INVITE',
        ...headers,
        'Content-Length: 0',
        '',
        '',
      ].join('\r\n'),
    ),
  )
  if (message.kind === 'malformed') throw new Error(message.why)
  return message
}

test('Session-Expires is read in all its forms, and what is none is not', (t) => {
  const read = (value: string) => sessionExpiresOf(messageWith(`Session-Expires: ${value}`))
  t.deepEqual(read('1800'), { seconds: 1_800, refresher: null })
  t.deepEqual(read('1800;refresher=uac'), { seconds: 1_800, refresher: 'uac' })
  t.deepEqual(read(' 90 ; x=1 ; Refresher = UAS ;y'), { seconds: 90, refresher: 'uas' })
  t.deepEqual(read('90;refresher=both'), { seconds: 90, refresher: null })
  for (const bad of ['-1', '1.5', '', 'x', '99999999999', '1800, 90', '1800 90']) {
    t.is(read(bad), null, bad)
  }
  t.deepEqual(sessionExpiresOf(messageWith('x: 240;refresher=uac')), {
    seconds: 240,
    refresher: 'uac',
  })
  t.is(minSeOf(messageWith('Min-SE: 300')), 300)
  t.is(minSeOf(messageWith('Min-SE: 5')), limits.sessionTimerMinS)
  t.is(minSeOf(messageWith()), limits.sessionTimerMinS)
})

/** RFC 4028 9, table 2, with our choice: we refresh unless the other side wants to. */
const answers: readonly (readonly [string, string[], string, 'us' | 'them', number])[] = [
  ['knows nothing', [], '', 'us', 1_800],
  ['knows nothing, a proxy asks', ['Session-Expires: 300'], '', 'us', 300],
  ['knows nothing, a proxy asks too little', ['Session-Expires: 30'], '', 'us', 90],
  ['knows', ['Supported: timer'], '1800;refresher=uas', 'us', 1_800],
  ['asks', ['Supported: timer', 'Session-Expires: 300'], '300;refresher=uas', 'us', 300],
  [
    'wants to refresh',
    ['Supported: timer', 'Session-Expires: 3600;refresher=uac'],
    '1800;refresher=uac',
    'them',
    1_800,
  ],
  [
    'names us',
    ['Require: timer', 'Session-Expires: 120;refresher=uas'],
    '120;refresher=uas',
    'us',
    120,
  ],
  [
    'has a larger Min-SE',
    ['Supported: timer', 'Session-Expires: 3600', 'Min-SE: 2700'],
    '2700;refresher=uas',
    'us',
    2_700,
  ],
]
for (const [name, headers, said, refresher, intervalS] of answers) {
  test(`the answer to a terminal that ${name}`, (t) => {
    const timer = timerFor(messageWith(...headers))
    t.deepEqual(
      { intervalS: timer.intervalS, refresher: timer.refresher },
      { intervalS, refresher },
    )
    const headersSaid = timerHeaders(timer)
    t.is(headersSaid.find((one) => one.name === 'Session-Expires')?.value ?? '', said)
    t.is(
      headersSaid.some((one) => one.name === 'Require' && one.value === 'timer'),
      refresher === 'them',
    )
  })
}

test('a session that is asked to be too short is refused, if the terminal understands it', (t) => {
  t.true(isTooShort(messageWith('Supported: timer', 'Session-Expires: 89')))
  t.false(isTooShort(messageWith('Supported: timer', 'Session-Expires: 90')))
  t.false(isTooShort(messageWith('Session-Expires: 89')))
  t.false(isTooShort(messageWith('Supported: timer')))
})

test('what the 2xx says holds, and its silence means that we refresh', (t) => {
  const settle = (...headers: string[]) => settleTimer(messageWith(...headers), 600)
  t.deepEqual(settle(), { intervalS: 600, refresher: 'us' })
  t.deepEqual(settle('Session-Expires: 300;refresher=uas'), { intervalS: 300, refresher: 'them' })
  t.deepEqual(settle('Session-Expires: 300;refresher=uac'), { intervalS: 300, refresher: 'us' })
  t.deepEqual(settle('Session-Expires: 1'), { intervalS: 90, refresher: 'us' })
  t.deepEqual(settle('Session-Expires: 9000'), { intervalS: 600, refresher: 'us' })
})

test('we refresh after half of the interval, and give up shortly before its end', (t) => {
  t.is(timerDueMs({ intervalS: 600, refresher: 'us' }), 300_000)
  t.is(timerDueMs({ intervalS: 600, refresher: 'them' }), 568_000)
  t.is(timerDueMs({ intervalS: 90, refresher: 'them' }), 60_000)
})

test('our offer is never below the minimum of the other side', (t) => {
  t.deepEqual(timerOffer(600), [
    { name: 'Session-Expires', value: '600' },
    { name: 'Min-SE', value: '90' },
  ])
  t.deepEqual(timerOffer(600, 900, 'uac'), [
    { name: 'Session-Expires', value: '900;refresher=uac' },
    { name: 'Min-SE', value: '900' },
  ])
})
