//! The largest site there may be, applied to a pair while calls come and go: how long it takes until it is
//! stored, and until the standby has all of its rows; what the calls and the roles have of it.
import type { Lab } from '../lab.ts'
import { labUsers } from '../lab-site.ts'
import { percentile } from '../soak/bounds.ts'
import { until } from '../waiting.ts'
import { callLabUsers, runLoad } from './call-lab.ts'
import { type BenchContext, round } from './figures.ts'

const accountsInAll = 9_990
const callsPerSecond = 10
/** Longer than the order takes on a machine that is not much slower than ours. */
const loadSeconds = 20
const rowsMsMax = 60_000

export async function applyLargeSite(lab: Lab, { say }: BenchContext): Promise<object> {
  const { term } = await (await lab.inStep()).opinion()
  const calls = callsPerSecond * loadSeconds
  const load = runLoad(lab, { calls, callsPerSecond, holdMs: 500 })
  const beganMs = performance.now()
  await lab.loadSite(labUsers(20_000, accountsInAll - callLabUsers))
  const appliedMs = round(performance.now() - beganMs)
  await until(async () => (await rowState(lab)) === 'in-step', {
    what: 'equal rows on both nodes',
    msMax: rowsMsMax,
  })
  const rowsInStepMs = round(performance.now() - beganMs)
  const { failed, retransmissions, responseMs } = await load
  const after = await (await lab.inStep()).opinion()
  const figures = {
    ...{ accounts: accountsInAll, appliedMs, rowsInStepMs, calls, callsFailed: failed },
    ...{ retransmissions, answerP99Ms: percentile(responseMs, 99), roleMoved: after.term !== term },
  }
  say(`config apply of ${accountsInAll} accounts: ${JSON.stringify(figures)}`)
  return figures
}

async function rowState(lab: Lab): Promise<string> {
  return (await (await lab.primary()).ask('sync.status', {})).staticData.state
}
