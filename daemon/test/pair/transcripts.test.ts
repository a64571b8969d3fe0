//! Stories of two nodes, as text: commands, `----`, what happened. UPDATE_TRANSCRIPTS=1 writes the second
//! part anew; read the difference before committing it.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import type { UnitName } from '../../src/pair/state.ts'
import { type NodeName, World } from './world.ts'

const directory = join(import.meta.dirname, '../data/pair')
const separator = '----\n'

/** Where a line of text becomes a call. */
function perform(world: World, line: string): void {
  const [verb = '', first = '', second = ''] = line.split(' ')
  const node = first as NodeName
  const unit = second as UnitName
  const verbs: Record<string, () => void> = {
    boot: () => world.boot(node),
    kill: () => (second === '' ? world.kill(node) : world.killUnit(node, unit)),
    start: () => world.start(node, unit),
    hang: () => world.hang(node, unit),
    stop: () => world.stop(node),
    suspend: () => world.suspend(node),
    resume: () => world.resume(node),
    cut: () => world.cut(first, second === '' ? undefined : (second as NodeName)),
    heal: () => world.heal(first),
    sessions: () => world.set(node, { sessions: Number(second) }),
    'in-step': () => world.set(node, { inStep: second === 'yes' }),
    flushes: () => world.set(node, { flushes: second === 'yes' }),
    'lose-disk': () => world.set(node, { loseDisk: true }),
    switchover: () => world.switchover(node, false),
    failover: () => world.switchover(node, true),
    pause: () => world.pause(node, true),
    unpause: () => world.pause(node, false),
    unready: () => world.set(node, { ready: false }),
    record: () => world.record(node),
    replay: () => world.replay(),
    run: () => world.run(Number(first)),
    roles: () => world.log.push(`${world.now} roles ${world.roles()}`),
  }
  const call = verbs[verb]
  if (call === undefined) throw new Error(`unknown command: ${line}`)
  call()
}

function play(script: string): string {
  const links = /^# links: (\d)$/m.exec(script)?.[1]
  const world = new World(links === undefined ? {} : { links: Number(links) })
  for (const line of script.split('\n')) {
    if (line !== '' && !line.startsWith('#')) perform(world, line)
  }
  return `${world.log.join('\n')}\n`
}

for (const file of readdirSync(directory).sort()) {
  test(`the story of ${file.replace('.txt', '').replaceAll('-', ' ')}`, (t) => {
    const text = readFileSync(join(directory, file), 'utf8')
    const at = text.indexOf(separator)
    const script = at < 0 ? text : text.slice(0, at)
    const played = play(script)
    if (process.env.UPDATE_TRANSCRIPTS === '1') {
      writeFileSync(join(directory, file), `${script}${separator}${played}`)
    }
    t.is(played, at < 0 ? '' : text.slice(at + separator.length))
  })
}
