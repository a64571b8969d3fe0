//! `vccs positions`, `groups`, `conferences` and `trunks`: what is configured, and how it stands now.
import type { ResultOf } from '../../../daemon/src/control/api.ts'
import { VccsCommand, word } from '../base-command.ts'
import { CliFailure } from '../failure.ts'
import {
  drawConference,
  drawConferences,
  drawGroup,
  drawGroups,
  drawPosition,
  drawPositions,
  drawTrunk,
  drawTrunks,
} from '../screens/site.ts'
import { nearest } from '../suggest.ts'

/** The one of a name or number. Throws `not-found`. */
function pick<T>(items: readonly T[], wanted: string, namesOf: (item: T) => readonly string[]): T {
  const found = items.find((item) => namesOf(item).includes(wanted))
  if (found !== undefined) return found
  const names = items.flatMap(namesOf).filter((name) => name !== '')
  const near = nearest(wanted, names)
  const next =
    near === null
      ? `There are: ${names.slice(0, 20).join(', ') || 'none'}.`
      : `Did you mean ${near}?`
  throw new CliFailure('not-found', `There is no "${wanted}"`, next)
}

export class Positions extends VccsCommand {
  static override summary = 'The positions: who is logged in, where, and what is set.'
  static override examples = ['<%= config.bin %> positions', '<%= config.bin %> positions --json']

  async run(): Promise<number> {
    const { flags } = await this.parse(Positions)
    const result = await this.ask(flags, 'positions', {})
    this.print(flags, result, (screen) => drawPositions(screen, result))
    return 0
  }
}

export class PositionsShow extends VccsCommand {
  static override summary = 'One position.'
  static override examples = ['<%= config.bin %> positions show TWR-1']
  static override args = { position: word('Position, or the number of its account.') }

  async run(): Promise<number> {
    const { args, flags } = await this.parse(PositionsShow)
    const { schema, positions, asOf } = await this.ask(flags, 'positions', {})
    const one = pick(positions, args.position, ({ position, account }) => [position, account])
    const result: ResultOf<'positions'> = { schema, positions: [one], asOf }
    this.print(flags, result, (screen) => drawPosition(screen, one, asOf))
    return 0
  }
}

export class Groups extends VccsCommand {
  static override summary = 'The groups: how they are called, and who of them is there.'
  static override examples = ['<%= config.bin %> groups', '<%= config.bin %> groups --json']

  async run(): Promise<number> {
    const { flags } = await this.parse(Groups)
    const result = await this.ask(flags, 'groups', {})
    this.print(flags, result, (screen) => drawGroups(screen, result))
    return 0
  }
}

export class GroupsShow extends VccsCommand {
  static override summary = 'One group and its members.'
  static override examples = ['<%= config.bin %> groups show approach']
  static override args = { group: word('Name or number of the group.') }

  async run(): Promise<number> {
    const { args, flags } = await this.parse(GroupsShow)
    const { schema, groups } = await this.ask(flags, 'groups', {})
    const one = pick(groups, args.group, ({ name, number }) => [name, number ?? ''])
    this.print(flags, { schema, groups: [one] }, (screen) => drawGroup(screen, one))
    return 0
  }
}

export class Conferences extends VccsCommand {
  static override summary = 'The conferences: configured ones, and those that were made from calls.'
  static override examples = [
    '<%= config.bin %> conferences',
    '<%= config.bin %> conferences --json --node peer',
  ]

  async run(): Promise<number> {
    const { flags } = await this.parse(Conferences)
    const result = await this.ask(flags, 'conferences', {})
    this.print(flags, result, (screen) => drawConferences(screen, result))
    return 0
  }
}

export class ConferencesShow extends VccsCommand {
  static override summary = 'One conference and its members.'
  static override examples = [
    '<%= config.bin %> conferences show briefing',
    '<%= config.bin %> conferences show 600 --json',
  ]
  static override args = { conference: word('Name, number, or session.') }

  async run(): Promise<number> {
    const { args, flags } = await this.parse(ConferencesShow)
    const { schema, conferences } = await this.ask(flags, 'conferences', {})
    const namesOf = ({ name, number, session }: (typeof conferences)[number]) => {
      return [name, number ?? '', session ?? '']
    }
    const one = pick(conferences, args.conference, namesOf)
    this.print(flags, { schema, conferences: [one] }, (screen) => drawConference(screen, one))
    return 0
  }
}

export class Trunks extends VccsCommand {
  static override summary = 'The trunks to other systems: state, calls and capacity.'
  static override examples = ['<%= config.bin %> trunks', '<%= config.bin %> trunks --json']

  async run(): Promise<number> {
    const { flags } = await this.parse(Trunks)
    const result = await this.ask(flags, 'trunks', {})
    this.print(flags, result, (screen) => drawTrunks(screen, result))
    return 0
  }
}

export class TrunksShow extends VccsCommand {
  static override summary = 'One trunk: its state and the routes that use it.'
  static override examples = ['<%= config.bin %> trunks show acc-north']
  static override args = { trunk: word('Name of the trunk.') }

  async run(): Promise<number> {
    const { args, flags } = await this.parse(TrunksShow)
    const { schema, trunks } = await this.ask(flags, 'trunks', {})
    const one = pick(trunks, args.trunk, ({ name }) => [name])
    this.print(flags, { schema, trunks: [one] }, (screen) => drawTrunk(screen, one))
    return 0
  }
}
