//! `vccs call show`, `release` and `trace`: one call.
import { Flags } from '@oclif/core'
import type { ResultOf } from '../../../daemon/src/control/api.ts'
import { type GlobalValues, orderFlags, VccsCommand, word } from '../base-command.ts'
import { drawCall } from '../screens/call.ts'
import { drawLadder, drawMessage } from '../screens/ladder.ts'

const id = word('Session, or the beginning of it, as in `vccs calls`.')
const pollMs = 500

export class CallShow extends VccsCommand {
  static override summary = 'One call: its members, their voice, services and dialogs.'
  static override examples = [
    '<%= config.bin %> call show 7f3a',
    '<%= config.bin %> call show 7f3a --json --node peer',
  ]
  static override args = { id }

  async run(): Promise<number> {
    const { args, flags } = await this.parse(CallShow)
    const result = await this.ask(flags, 'call.show', { sessionId: args.id })
    this.print(flags, result, (screen) => drawCall(screen, result.call))
    return 0
  }
}

export class CallRelease extends VccsCommand {
  static override summary = 'End one call, with a reason that its telephones and its record get.'
  static override description = 'Either node can be asked; a standby passes it to the primary.'
  static override examples = [
    '<%= config.bin %> call release 7f3a',
    '<%= config.bin %> call release 7f3a --yes --reason "line is stuck, WO-1182"',
  ]
  static override args = { id }
  static override flags = { yes: Flags.boolean({ description: 'Do not ask.' }), ...orderFlags }

  async run(): Promise<number> {
    const { args, flags } = await this.parse(CallRelease)
    const { reason, operator } = flags
    if (!flags.yes && this.io.interactive && !flags.json) {
      const { call } = await this.ask(flags, 'call.show', { sessionId: args.id })
      this.io.err(`${drawCall(this.screen(flags), call).join('\n')}\n`)
    }
    await this.confirm(flags, `End the call ${args.id}?`)
    const params = { sessionId: args.id, reason, operator }
    const result = await this.ask(flags, 'call.release', params)
    this.print(flags, result, () => [`released ${result.sessionId}`])
    return 0
  }
}

interface Values extends GlobalValues {
  readonly full: boolean
}

export class CallTrace extends VccsCommand {
  static override summary =
    'The SIP messages of one call as a ladder; passwords and digits are masked.'
  static override description =
    'Of the last messages of the primary, and what the peer has sent while it was primary. ' +
    'With --json and --follow one object a message (NDJSON).'
  static override examples = [
    '<%= config.bin %> call trace 7f3a',
    '<%= config.bin %> call trace 7f3a --full',
    '<%= config.bin %> call trace 7f3a -f',
  ]
  static override args = { id }
  static override flags = {
    full: Flags.boolean({ description: 'Whole messages.' }),
    follow: Flags.boolean({ char: 'f', description: 'Go on until the call ends, or Ctrl-C.' }),
  }

  async run(): Promise<number> {
    const { args, flags } = await this.parse(CallTrace)
    if (flags.follow) {
      await this.#follow(flags, args.id)
      return 0
    }
    const result = await this.#all(flags, args.id)
    this.print(flags, result, (screen) => {
      const ladder = drawLadder(screen, result)
      const note = result.cut ? ['The oldest messages are not kept any more.'] : []
      if (!flags.full) return [...ladder, ...note]
      return [...result.messages.flatMap((message) => drawMessage(screen, message)), ...note]
    })
    return 0
  }

  async #all(flags: Values, sessionId: string): Promise<ResultOf<'call.trace'>> {
    const first = await this.ask(flags, 'call.trace', { sessionId })
    const messages = [...first.messages]
    for (let more = first.more; more; ) {
      const after = messages.at(-1)?.sequence ?? 0
      const next = await this.ask(flags, 'call.trace', { sessionId: first.sessionId, after })
      messages.push(...next.messages)
      more = next.more && next.messages.length > 0
    }
    return { ...first, messages, more: false }
  }

  async #follow(flags: Values, sessionId: string): Promise<void> {
    const { stop } = this.io
    const screen = this.screen(flags)
    let after = 0
    let lanes: string[] = []
    while (!stop.aborted) {
      const result = await this.ask(flags, 'call.trace', { sessionId, after })
      if (flags.json) {
        for (const message of result.messages) {
          this.io.out(`${JSON.stringify({ schema: 'vccs/call.message/1', ...message })}\n`)
        }
      } else if (flags.full) {
        for (const message of result.messages) {
          this.io.out(`${drawMessage(screen, message).join('\n')}\n`)
        }
      } else {
        const lines = drawLadder(screen, result, lanes)
        if (lines.length > 0) this.io.out(`${lines.join('\n')}\n`)
      }
      const legs = result.messages.map(({ leg, number }) => `${leg} ${number}`)
      lanes = [...new Set([...lanes, ...legs])]
      after = result.messages.at(-1)?.sequence ?? after
      if (result.more) continue
      if (!result.live) return
      await this.io.sleep(pollMs)
    }
  }
}
