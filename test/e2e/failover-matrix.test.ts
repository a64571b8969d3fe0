//! The fail-over matrix: every telephone service in every state through the death of the primary and
//! through a switchover. The voice goes on, the service is completed and ended at the new primary, and
//! nothing is left on either node. `docs/failover-matrix.md` is made from a run (`npm run matrix`).
import test from 'ava'
import { machineFacts } from '../../scripts/bench/machine.ts'
import {
  type MatrixCell,
  type MatrixFault,
  matrixFaults,
  matrixSet,
  writeRun,
} from '../../scripts/matrix/results.ts'
import { obstacleTo } from '../../scripts/net/packages.ts'
import { Desk } from './matrix/desk.ts'
import { recordsOf } from './matrix/records.ts'
import { Round } from './matrix/round.ts'
import { deskPlanFor, rows, titleOf } from './matrix/rows.ts'
import { SilentStandbyWatch } from './silent-standby.ts'

const noLinphone = obstacleTo('linphonec')
const set = matrixSet()
const wanted = rows.filter((row) => (row.set ?? 'usual') === set)
const played = wanted.filter((row) => row.linphone === undefined || noLinphone === null)
const cells: MatrixCell[] = []
const leftovers: Record<MatrixFault, readonly string[]> = {
  'kill of the primary': ['not looked at'],
  switchover: ['not looked at'],
}
/** Sessions that had a call record at the end of their round. */
const recorded: string[] = []
let beganMs: number
let desk: Desk
let watch: SilentStandbyWatch

test.before(async (t) => {
  t.timeout(180_000)
  beganMs = Date.now()
  desk = await Desk.start(deskPlanFor(played))
  watch = await SilentStandbyWatch.start(desk.lab, 'udp and port 5060')
})

test.after.always(async () => {
  if (cells.length > 0) writeRun({ machine: machineFacts(), cells, leftovers })
  await desk?.lab.close()
})

for (const fault of matrixFaults) {
  test.serial(`${fault}: nothing is left of any service on either node`, async (t) => {
    t.timeout(600_000)
    try {
      const round = await new Round({ desk, watch, fault, rows: played }).run()
      cells.push(...round.cells)
      leftovers[fault] = round.leftovers
      recorded.push(...round.recorded)
      t.deepEqual(round.leftovers, [])
      t.deepEqual(round.callers, [])
    } finally {
      // What a failed round left behind.
      await desk.hangUpAll()
      await desk.lab.bothRun()
    }
  })

  for (const row of wanted) {
    const title = titleOf(row, fault)
    if (!played.includes(row)) {
      test.serial.skip(`${title} (cannot run here: ${noLinphone})`, () => undefined)
      continue
    }
    test.serial(title, (t) => {
      const { service, state } = row
      const cell = cells.find(
        (one) => one.fault === fault && one.service === service && one.state === state,
      )
      t.deepEqual(cell?.problems, [])
      t.like(cell, { stood: true, completed: true, ended: true, packetsLost: 0, audible: true })
      t.is(cell?.records, cell?.recordsDue)
    })
  }
}

test.serial('no call record of a round has come or gone after it', async (t) => {
  for (const node of [desk.lab.a, desk.lab.b]) {
    const ids = (await recordsOf(node, beganMs)).map(({ sessionId }) => sessionId)
    t.deepEqual(ids.sort(), recorded.toSorted(), node.name)
  }
})

test.serial('the standby has sent no SIP in all of this', async (t) => {
  t.deepEqual((await watch.finish()).violations, [])
})
