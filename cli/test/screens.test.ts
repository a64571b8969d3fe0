//! The status screen as an operator sees it, at 80 columns, healthy and not.
import { stripVTControlCharacters } from 'node:util'
import test from 'ava'
import { assembleStatus } from '../../daemon/src/oam/status.ts'
import { healthyStatus, pairInputs, standbyInputs } from '../../daemon/test/oam/status-fixture.ts'
import { Screen } from '../src/screens/screen.ts'
import { drawStatus } from '../src/screens/status.ts'
import { duration } from '../src/screens/words.ts'

const plain = new Screen({ colour: false, unicode: true, columns: 80 })

test('a healthy pair', (t) => {
  t.is(
    drawStatus(plain, healthyStatus()).join('\n'),
    `\
Site tower   redundant (1+1)   term 17   since 2026-03-02 08:34:07Z (12 d 3 h)

NODE    ROLE     STATE  HEARD  LINKS  CONFIG  VERSION
vccs-a  primary  ● up   84 ms  3/3    r142 =  0.1.0
vccs-b  standby  ● up   84 ms  3/3    r142 =  0.1.0

LINKS    ● net-a up 0.4 ms   ● net-b up 0.4 ms   ● private up 0.4 ms
UNITS    vccs-a   ● switch up   ● media up   ● pair up
         vccs-b   ● switch up   ● media up   ● pair up
SYNC     ● in step   pending 0   unacked 0   rtt 0.6 ms   sweep 310 ms ago
         threads   vccs-a: send, response   vccs-b: receive
         9 tables, 301 records
MEDIA    ● twin ok 82/82 legs   skew 0.2 ms   vccs-a: ffi, real-time, 0 late
         vccs-b: ffi, real-time, 0 late
SERVICE  41 calls (2 ringing, 3 held)   37/38 users   shared 192.168.1.210
ALARMS   none
A switchover now would be SAFE: 0 calls at risk.`,
  )
})

function withoutPeer() {
  const inputs = pairInputs()
  if (inputs.pair === null) throw new Error('the fixture has a report')
  const { message } = inputs.pair
  const links = message.links.map((link) => ({
    ...link,
    state: 'down' as const,
    heardMsAgo: 14_000,
  }))
  const pair = { ...inputs.pair, message: { ...message, links, alone: true } }
  return assembleStatus({ ...inputs, pair, replication: { ...inputs.replication, inStep: false } })
}

test('a pair whose standby is dead says so in the first line and never shows its last role', (t) => {
  const lines = drawStatus(plain, withoutPeer())
  t.is(lines[0], '▲ NOT REDUNDANT: vccs-b is not heard on any link. Next: vccs why')
  t.deepEqual(lines.slice(3, 6), [
    'NODE    ROLE             STATE        HEARD  LINKS    CONFIG   VERSION',
    'vccs-a  primary (alone)  ▲ degraded   -      ✖ 0/3    r142     0.1.0',
    'vccs-b  unknown          ✖ not heard  -      unknown  unknown  unknown',
  ])
  t.is(lines.at(-1), 'A switchover now would be UNSAFE: vccs-b is not heard. 41 calls at risk.')
  t.true(lines.every((line) => line.length <= 80))
})

test('without UTF-8 the glyphs are ASCII, and nothing else is lost', (t) => {
  const ascii = new Screen({ colour: false, unicode: false, columns: 80 })
  for (const status of [healthyStatus(), withoutPeer()]) {
    const text = drawStatus(ascii, status).join('\n')
    t.is(Buffer.byteLength(text), text.length)
    t.is(text.split('\n').length, drawStatus(plain, status).length)
  }
})

test('colour changes no character', (t) => {
  const colour = new Screen({ colour: true, unicode: true, columns: 80 })
  const painted = drawStatus(colour, withoutPeer()).join('\n')
  t.true(painted.includes('\u001b[33m'))
  t.is(stripVTControlCharacters(painted), drawStatus(plain, withoutPeer()).join('\n'))
})

test('nodes that contradict each other are shown as such', (t) => {
  const standby = standbyInputs()
  if (standby.pair === null) throw new Error('the fixture has a report')
  const message = { ...standby.pair.message, role: 'primary' as const, term: 18 }
  const peerAnswer = assembleStatus({ ...standby, pair: { ...standby.pair, message } })
  const lines = drawStatus(plain, assembleStatus({ ...pairInputs(), peerAnswer }))
  t.is(lines[0], '▲ NOT REDUNDANT: both nodes say that they are primary. Next: vccs why')
  t.true(lines.includes('▲ THE NODES DISAGREE: both nodes say "primary"'))
  t.true(lines.includes('▲ THE NODES DISAGREE: term 17 on vccs-a, term 18 on vccs-b'))
  t.true(lines.some((line) => line.startsWith('A switchover now would be UNSAFE')))
})

test('a narrow terminal cuts columns, never the width', (t) => {
  const narrow = new Screen({ colour: false, unicode: true, columns: 50 })
  const lines = narrow.table(['A', 'B'], [['x'.repeat(60), 'short']])
  t.true(lines.every((line) => line.length <= 50))
  t.true(lines[1]?.includes('~  short'))
})

test('control bytes of foreign names do not reach the terminal', (t) => {
  const [, row] = plain.table(['NAME'], [['a\u001b[2Jb']])
  t.is(row, 'a?[2Jb')
})

test('durations', (t) => {
  const shown = [84, 1_500, 14_000, 190_000, 18_720_000, 1_051_015_000].map(duration)
  t.deepEqual(shown, ['84 ms', '1.5 s', '14 s', '3 min', '5 h 12 min', '12 d 3 h'])
})
