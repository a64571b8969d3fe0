//! The drill: when it may begin, what its figures mean, and how its report reads.
import test from 'ava'
import type { DrillMove } from '../../src/control/operation-schema.ts'
import type { AlarmItem, StatusResult } from '../../src/control/status-schema.ts'
import {
  drillChecks,
  drillText,
  judgeDrill,
  reasonsAgainst,
  refuseDrill,
} from '../../src/oam/drill.ts'
import { voiceBetween } from '../../src/oam/drill-voice.ts'
import { back, move } from './drill-fixture.ts'
import { healthyStatus } from './status-fixture.ts'

const against = (status: StatusResult, busy: string | null = null) =>
  reasonsAgainst(drillChecks(status, busy))

/** A pair without any fault. */
function healthy(): StatusResult {
  return { ...healthyStatus(), alarms: [] }
}

const alarm = (severity: AlarmItem['severity']): AlarmItem => ({
  code: 'some-alarm',
  subject: 'x',
  severity,
  text: '',
  detail: '',
  effect: '',
  next: '',
  raisedAt: '2026-03-14T12:00:00.000Z',
  clearedAt: null,
})

const begun = {
  operation: 'd0d0d0',
  node: 'vccs-a',
  operator: 'anna (root)',
  reason: 'monthly',
  startedAt: '2026-03-14T12:00:00.000Z',
  checks: drillChecks(healthy(), null),
}
const endedAt = '2026-03-14T12:00:04.000Z'

test('a drill may begin on a healthy pair', (t) => {
  t.deepEqual(against(healthy()), [])
})

test('a drill is refused for what would make a switchover unsafe, and for more', (t) => {
  const status = healthy()
  const [self, peer] = status.nodes
  if (self === undefined || peer === undefined) return t.fail()
  const failed = { name: 'sync', outcome: 'failed', detail: 'the standby is not in step' } as const
  const { switchover } = status
  t.deepEqual(against({ ...status, switchover: { ...switchover, checks: [failed] } }), [
    'the standby is not in step',
  ])
  const cut = self.links.map((link, index) => (index === 1 ? { ...link, state: 'down' } : link))
  const oneCut = { ...status, nodes: [{ ...self, links: cut } as typeof self, peer] }
  t.regex(against(oneCut).join(), /down/)
  for (const hold of [{ paused: true }, { held: true }]) {
    t.regex(against({ ...status, nodes: [self, { ...peer, ...hold }] }).join(), /paused, or held/)
  }
  t.deepEqual(against({ ...status, alarms: [alarm('critical')] }), ['some-alarm x'])
  t.deepEqual(against({ ...status, alarms: [alarm('urgent')] }), [])
  t.deepEqual(against(status, '3f2a1c'), ['op 3f2a1c is on its way'])
})

test('a drill passes when both moves were whole', (t) => {
  const report = judgeDrill(begun, [move, back], endedAt)
  t.deepEqual([report.outcome, report.findings], ['passed', []])
})

const findings: readonly (readonly [what: string, moves: DrillMove[], found: RegExp])[] = [
  [
    'the first move was refused',
    [{ ...move, ok: false, detail: 'not in step' }],
    /was not done: not in step/,
  ],
  [
    'the standby did not catch up',
    [{ ...move, inStepMs: null }],
    /redundant again.*the role stays at vccs-b/,
  ],
  [
    'the second move failed',
    [move, { ...back, ok: false, detail: 'refused' }],
    /vccs-b to vccs-a was not done/,
  ],
  ['a call was lost', [move, { ...back, callsLost: 1 }], /vccs-b to vccs-a lost 1 calls/],
  ['a leg was on one node only', [{ ...move, twin: { both: 3, wanted: 4 } }, back], /3 of 4 legs/],
  [
    'a critical alarm was raised',
    [move, { ...back, criticalAlarms: ['peer-lost'] }],
    /raised peer-lost/,
  ],
]

for (const [what, moves, found] of findings) {
  test(`a drill fails when ${what}`, (t) => {
    const report = judgeDrill(begun, moves, endedAt)
    t.is(report.outcome, 'failed')
    t.regex(report.findings.join(' '), found)
  })
}

test('the report of a drill reads as text, and a refused one says why', (t) => {
  const text = drillText(judgeDrill(begun, [move, back], endedAt)).join('\n')
  t.regex(text, /^Drill d0d0d0: PASSED\n {2}ordered by anna \(root\) on vccs-a: monthly\n/)
  t.regex(text, /vccs-a to vccs-b\n {2}role moved in {6}22 ms\n {2}redundant again {4}640 ms\n/)
  t.regex(text, /calls {14}3: 2 kept, 1 ended by their telephones, 0 lost/)
  t.regex(text, /Nothing was found\.$/)
  const checks = drillChecks(healthy(), '3f2a1c')
  const refused = refuseDrill({ ...begun, checks }, endedAt)
  t.deepEqual([refused.outcome, refused.moves], ['refused', []])
  t.regex(drillText(refused).join('\n'), /failed {2}other: op 3f2a1c[\s\S]*Found\n {2}op 3f2a1c/)
})

test('the report says what the media units did meanwhile, and leaves out one that was started anew', (t) => {
  const text = drillText(judgeDrill(begun, [move, back], endedAt)).join('\n')
  t.regex(text, /voice +vccs-a: 0 of 180 ticks late, 720 packets sent, 0 lost/)
  t.regex(text, /\n +vccs-b: 1 of 180 ticks late, 719 packets sent, 2 lost/)
  const before = healthy()
  const after = structuredClone(before)
  const [self, peer] = after.nodes
  if (!self?.media || !peer?.media) return t.fail()
  Object.assign(self.media, {
    tick: self.media.tick + 100,
    packetsSent: self.media.packetsSent + 400,
    ticksLate: self.media.ticksLate + 3,
  })
  peer.media.packetsSent -= 1
  t.deepEqual(voiceBetween(before, after), [
    { node: self.name, ticks: 100, packetsSent: 400, packetsLost: 0, ticksLate: 3 },
  ])
  t.deepEqual(voiceBetween(before, { ...after, nodes: [{ ...self, media: null }] }), [])
})
