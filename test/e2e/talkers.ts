//! The calls of a lab and who talks in them, as the primary shows it.
import type { ExecutionContext } from 'ava'
import type { Lab } from '../../scripts/lab.ts'
import { until } from '../../scripts/waiting.ts'

export async function callsAre(lab: Lab, count: number): Promise<void> {
  const primary = await lab.primary()
  await until(async () => (await primary.ask('calls', {})).calls.length === count, {
    what: `${count} calls`,
  })
}

/** Numbers that talk, of each call. */
export async function talkers(lab: Lab): Promise<string[][]> {
  const primary = await lab.primary()
  const { calls } = await primary.ask('calls', {})
  const shown = await Promise.all(
    calls.map(async ({ sessionId }) => (await primary.ask('call.show', { sessionId })).call),
  )
  return shown.map(({ members }) =>
    members.flatMap(({ number, state }) => (state === 'talking' ? [number] : [])).sort(),
  )
}

/** Waits until these talk in the only call that there is. */
export async function talking(
  t: ExecutionContext,
  lab: Lab,
  ...numbers: readonly string[]
): Promise<void> {
  const wanted = JSON.stringify([numbers])
  await until(async () => JSON.stringify(await talkers(lab)) === wanted, {
    what: `talk of ${numbers}`,
  })
  t.pass()
}
