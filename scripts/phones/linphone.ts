//! An unmodified linphone of Debian (`linphonec`) as a phone: a file instead of a sound card, driven by
//! the commands that a person would type, heard by what it prints.
import type { ChildProcess } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { toneSamples, writeWav } from '../capture/wav.ts'
import { exited, type Programs } from '../net/processes.ts'

interface LinphoneOptions {
  readonly programs: Programs
  readonly namespace: string
  readonly directory: string
  readonly address: string
  readonly user: string
  readonly password: string
  readonly server: string
  readonly toneHz: number
}

const saidMsMax = 30_000
const toneSeconds = 120
const prompt = 'linphonec>'

export class LinphonePhone {
  readonly options: LinphoneOptions
  readonly #program: ChildProcess
  readonly #waiting = new Set<() => void>()
  #output = ''

  private constructor(options: LinphoneOptions) {
    this.options = options
    // Without its database it never begins to listen.
    mkdirSync(join(options.directory, '.local/share/linphone'), { recursive: true })
    const file = join(options.directory, 'linphonerc')
    writeFileSync(file, `${configuration(options).join('\n')}\n`)
    writeWav(join(options.directory, 'tone.wav'), toneSamples(options.toneHz, toneSeconds))
    this.#program = options.programs.start({
      namespace: options.namespace,
      command: 'linphonec',
      urgent: true,
      args: ['-c', file],
      directory: options.directory,
      environment: { HOME: options.directory },
    })
    for (const stream of [this.#program.stdout, this.#program.stderr]) {
      stream?.on('data', (bytes: Buffer) => {
        this.#output += bytes.toString('utf8')
        for (const look of this.#waiting) look()
      })
    }
  }

  /** Resolves when it takes commands and has been told to register. */
  static async start(options: LinphoneOptions): Promise<LinphonePhone> {
    const phone = new LinphonePhone(options)
    const { user, server, password, directory } = options
    await phone.#until(new RegExp(prompt), 0)
    await phone.does('soundcard use files', /Using wav files/)
    phone.#type(`play ${join(directory, 'tone.wav')}`)
    phone.#type(`register sip:${user}@${server} sip:${server} ${password}`)
    return phone
  }

  get uri(): string {
    return `sip:${this.options.user}@${this.options.server}`
  }

  /** Types a command and waits until it prints that this happened. */
  does(command: string, said: RegExp): Promise<RegExpExecArray> {
    const from = this.#output.length
    this.#type(command)
    return this.#until(said, from)
  }

  /** Dials, and waits until the call is answered. */
  async calls(uri: string): Promise<void> {
    await this.does(`call ${uri}`, /connected/)
  }

  /** Its number of the call with somebody. */
  async callWith(uri: string): Promise<string> {
    const [, number = ''] = await this.does('calls', new RegExp(`^(\\d+)\\s*\\|\\s*${uri}`, 'm'))
    return number
  }

  /** The other end of a call shall talk to that of another one (REFER with Replaces). */
  async transfers(held: string, consulted: string): Promise<void> {
    const numbers = [await this.callWith(held), await this.callWith(consulted)]
    const left = this.next(/ended[\s\S]*ended/)
    await this.does(`transfer ${numbers[0]} --to-call ${numbers[1]}`, /attended transfer/)
    await left
  }

  /** Ends all its calls. */
  async hangUp(): Promise<void> {
    await this.does('terminate all', new RegExp(prompt))
  }

  /** It prints this from now on. Ask before doing what causes it. */
  next(said: RegExp): Promise<RegExpExecArray> {
    return this.#until(said, this.#output.length)
  }

  async stop(): Promise<void> {
    this.#type('quit')
    await exited(this.#program)
  }

  #type(command: string): void {
    this.#program.stdin?.write(`${command}\n`)
  }

  #until(said: RegExp, from: number): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer)
        this.#waiting.delete(look)
      }
      const look = () => {
        const found = said.exec(this.#output.slice(from))
        if (found === null) return
        end()
        resolve(found)
      }
      const timer = setTimeout(() => {
        end()
        const phone = `linphone ${this.options.user}`
        reject(new Error(`${phone} has not said ${said}:\n${this.#output.slice(-2_000)}`))
      }, saidMsMax)
      this.#waiting.add(look)
      look()
    })
  }
}

function configuration({ address, user }: LinphoneOptions): string[] {
  return [
    '[sip]',
    'sip_port=5060',
    'sip_tcp_port=0',
    'sip_tls_port=0',
    `contact="${user}" <sip:${user}@${address}>`,
    'guess_hostname=0',
    'use_ipv6=0',
    'register_only_when_network_is_up=0',
    'keepalive_period=0',
    'auto_net_state_mon=0',
    // Off by default: reliable provisional answers (RFC 3262).
    '100rel_support_level=1',
    '[net]',
    'firewall_policy=0',
    '[rtp]',
    'audio_rtp_port=7078',
  ]
}
