//! `vccs conferences add`, `drop`, `mute`, `unmute`, `weight`, `lock`, `unlock`, `end`: orders for a conference.
import { Args, Flags } from '@oclif/core'
import type { ConferenceOrderItem } from '../../../daemon/src/control/site-schema.ts'
import { type OrderValues, orderFlags, VccsCommand, word } from '../base-command.ts'

const conference = word('Name, number, or session.')
const number = word('Number of the member.')
const yes = Flags.boolean({ description: 'Do not ask.' })

abstract class OrderCommand extends VccsCommand {
  /** @param said what a person reads when it is done */
  protected async carryOut(
    flags: OrderValues,
    name: string,
    { order, said }: { readonly order: ConferenceOrderItem; readonly said: string },
  ): Promise<number> {
    const { reason, operator } = flags
    const params = { conference: name, order, reason, operator }
    const result = await this.ask(flags, 'conference.order', params)
    this.print(flags, result, () => [`${said} in ${name}; see: vccs conferences show ${name}`])
    return 0
  }
}

export class ConferencesAdd extends OrderCommand {
  static override summary = 'Call one more member; a call of two becomes a conference.'
  static override examples = [
    '<%= config.bin %> conferences add briefing 1004',
    '<%= config.bin %> conferences add 7f3a12ab90cd 1004 --reason "supervisor joins"',
  ]
  static override args = { conference, number }
  static override flags = orderFlags

  async run(): Promise<number> {
    const { args, flags } = await this.parse(ConferencesAdd)
    const order = { kind: 'add', user: args.number } as const
    return this.carryOut(flags, args.conference, { order, said: `${args.number} is called` })
  }
}

export class ConferencesDrop extends OrderCommand {
  static override summary = 'Take one member out of a conference.'
  static override examples = ['<%= config.bin %> conferences drop briefing 1004 --yes']
  static override args = { conference, number }
  static override flags = { yes, ...orderFlags }

  async run(): Promise<number> {
    const { args, flags } = await this.parse(ConferencesDrop)
    await this.confirm(flags, `Take ${args.number} out of ${args.conference}?`)
    const order = { kind: 'drop', user: args.number } as const
    return this.carryOut(flags, args.conference, { order, said: `${args.number} is out` })
  }
}

export class ConferencesMute extends OrderCommand {
  static override summary = 'Silence one member; it still hears.'
  static override examples = ['<%= config.bin %> conferences mute briefing 1004']
  static override args = { conference, number }
  static override flags = orderFlags

  async run(): Promise<number> {
    const { args, flags } = await this.parse(ConferencesMute)
    const order = { kind: 'mute', user: args.number, muted: true } as const
    return this.carryOut(flags, args.conference, { order, said: `${args.number} is muted` })
  }
}

export class ConferencesUnmute extends OrderCommand {
  static override summary = 'Let a member that was silenced talk again.'
  static override examples = ['<%= config.bin %> conferences unmute briefing 1004']
  static override args = { conference, number }
  static override flags = orderFlags

  async run(): Promise<number> {
    const { args, flags } = await this.parse(ConferencesUnmute)
    const order = { kind: 'mute', user: args.number, muted: false } as const
    return this.carryOut(flags, args.conference, { order, said: `${args.number} may talk` })
  }
}

export class ConferencesWeight extends OrderCommand {
  static override summary = 'Make one member louder or quieter for all others.'
  static override examples = ['<%= config.bin %> conferences weight briefing 1004 -6']
  static override args = {
    conference,
    number,
    decibels: Args.integer({ description: '0: as it is.', required: true, min: -30, max: 12 }),
  }
  static override flags = orderFlags

  async run(): Promise<number> {
    const { args, flags } = await this.parse(ConferencesWeight)
    const { decibels: gainDb } = args
    const order = { kind: 'gain', user: args.number, gainDb } as const
    const said = `${args.number} has a weight of ${gainDb} dB`
    return this.carryOut(flags, args.conference, { order, said })
  }
}

export class ConferencesLock extends OrderCommand {
  static override summary = 'Let nobody else in.'
  static override examples = ['<%= config.bin %> conferences lock briefing']
  static override args = { conference }
  static override flags = orderFlags

  async run(): Promise<number> {
    const { args, flags } = await this.parse(ConferencesLock)
    const order = { kind: 'lock', locked: true } as const
    return this.carryOut(flags, args.conference, { order, said: 'nobody else gets' })
  }
}

export class ConferencesUnlock extends OrderCommand {
  static override summary = 'Let others in again.'
  static override examples = ['<%= config.bin %> conferences unlock briefing']
  static override args = { conference }
  static override flags = orderFlags

  async run(): Promise<number> {
    const { args, flags } = await this.parse(ConferencesUnlock)
    const order = { kind: 'lock', locked: false } as const
    return this.carryOut(flags, args.conference, { order, said: 'others get' })
  }
}

export class ConferencesEnd extends OrderCommand {
  static override summary = 'End a conference; all members are hung up.'
  static override examples = ['<%= config.bin %> conferences end briefing --yes']
  static override args = { conference }
  static override flags = { yes, ...orderFlags }

  async run(): Promise<number> {
    const { args, flags } = await this.parse(ConferencesEnd)
    await this.confirm(flags, `End ${args.conference}, and hang up all of its members?`)
    const order = { kind: 'end' } as const
    return this.carryOut(flags, args.conference, { order, said: 'nobody is left' })
  }
}
