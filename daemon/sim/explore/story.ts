//! A sequence of events as a story for a person: what happened, what each node decided, and where it
//! stood afterwards.
import { actionsOf, type Profile, peace, quiet } from './actions.ts'
import { newWatch } from './invariants.ts'
import { nodeNames } from './model.ts'
import { NodeBook } from './node-book.ts'
import { apply, settled } from './search.ts'
import type { World } from './world.ts'

const quietPeriodsAtEnd = 30

function describe(book: NodeBook, world: World): string {
  const nodes = world.nodes.map(({ id, mode, unit }, index) => {
    const name = nodeNames[index === 0 ? 0 : 1]
    const state = book.state(id)
    if (state === null) return `${name} dead`
    const stands = mode === 'runs' ? '' : ` (${mode})`
    return `${name} ${state.role}, term ${state.term}${stands}${unit ? '' : ', no switch'}`
  })
  const links = world.deaf < 0 ? '' : `, ${nodeNames[world.deaf === 0 ? 0 : 1]} hears nothing`
  return `${nodes.join('; ')}; links up: ${world.linksUp}${links}`
}

/** @param events as in a `Violation`. */
export function tell(profile: Profile, events: readonly string[]): string[] {
  const book = new NodeBook()
  let at = { world: settled(book), watch: newWatch }
  const lines = [`   the pair at work            ${describe(book, at.world)}`]
  const names = [...events, ...Array<string>(quietPeriodsAtEnd).fill(quiet.name)]
  for (const [number, name] of names.entries()) {
    const action = [...actionsOf(at.world, profile), peace, quiet].find((one) => one.name === name)
    if (action === undefined) return [...lines, `there is no event "${name}" now`]
    const notes: string[] = []
    const next = apply(book, at, { action, notes })
    const count = number < events.length ? `${String(number + 1).padStart(2)} ` : ' . '
    if (typeof next === 'string') {
      return [...lines, `${count}${name}`, ...notes.map((note) => `     ${note}`), `   ${next}`]
    }
    at = next
    if (number >= events.length && notes.length === 0) continue
    lines.push(`${count}${name.padEnd(28)}${describe(book, at.world)}`)
    lines.push(...notes.map((note) => `     ${note}`))
  }
  return [...lines, `   at the end                  ${describe(book, at.world)}`]
}
