//! Screens of `switchover` and `failover`.
import type { ResultOf } from '../../../daemon/src/control/api.ts'
import type { Screen } from './screen.ts'
import { duration, plural } from './words.ts'

const outcomeTones = { ok: 'good', warning: 'warning', failed: 'bad' } as const

/** Checks and plan, before anything is done. */
export function drawPlan(screen: Screen, result: ResultOf<'switchover'>): string[] {
  const { checks, from, to, termBefore, termAfter, safe, force, callsAtRisk } = result
  const pieces = checks.map(({ name, outcome, detail }) =>
    screen.mark(outcomeTones[outcome], `${name}: ${detail}`),
  )
  const move = `${to} becomes primary instead of ${from}, term ${termBefore} ${screen.arrow} ${termAfter}.`
  const plan = safe || force ? move : `It would be refused, and ${from} stays primary.`
  const effect = safe
    ? '0 calls at risk, no SIP message, media unchanged.'
    : `${plural(callsAtRisk, 'call')} at risk.`
  const verdict = safe ? 'SAFE' : force ? 'UNSAFE, but forced' : 'UNSAFE'
  return [
    ...screen.line('Checks', pieces),
    ...screen.line('Plan', [plan]),
    ...screen.line('Effect', [`${verdict}: ${effect}`]),
  ]
}

export function drawSwitched(screen: Screen, result: ResultOf<'switchover'>): string[] {
  const { done, from, to, tookMs, detail, op } = result
  const took = tookMs === null ? '' : ` in ${duration(tookMs)}`
  const head = done ? `switched ${from} ${screen.arrow} ${to}${took}` : 'nothing was changed'
  const text = `${op === null ? '' : `op ${op}  `}${detail === '' ? head : `${head}: ${detail}`}`
  return screen.text(screen.mark(done ? 'good' : 'warning', text).text, 2)
}
