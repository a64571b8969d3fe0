//! An unmodified baresip of Debian as a phone: generated configuration, a tone instead of a
//! microphone, the decoded audio in a WAV file, driven through its own control port.
import type { ChildProcess } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { toneSamples, writeWav } from '../capture/wav.ts'
import { exited, type Programs } from '../net/processes.ts'
import { NetstringReader, netstring, relayScript } from './control-channel.ts'

export interface PhoneOptions {
  readonly programs: Programs
  readonly namespace: string
  /** Configuration, tone and recordings of this phone. */
  readonly directory: string
  readonly address: string
  readonly user: string
  readonly password?: string
  /** Host of the registrar; absent: the phone stands alone and is called by its address. */
  readonly server?: string
  readonly toneHz: number
  readonly answer: 'auto' | 'manual'
  readonly codec?: 'pcma' | 'pcmu'
  readonly packetMs?: number
  /** Several phones of one namespace: 0, 1, 2 ... gives each its own SIP and control port. */
  readonly place?: number
}

interface PhoneEvent {
  /** `REGISTER_OK`, `CALL_INCOMING`, `CALL_ESTABLISHED`, `CALL_CLOSED`, ... */
  readonly type: string
  readonly param: string
  readonly atMs: number
}

type Waiter = { readonly types: readonly string[]; readonly resolve: (event: PhoneEvent) => void }

const sipPortFirst = 5060
/** The port after that for SIP is the one for SIP over TLS. */
const sipPortsOfPhone = 2
const controlPortFirst = 4444
const toneSeconds = 300
const eventMsMax = 30_000

export class BaresipPhone {
  readonly options: PhoneOptions
  readonly events: PhoneEvent[] = []
  readonly #program: ChildProcess
  readonly #logFile: string
  readonly #answers = new Map<string, (ok: boolean) => void>()
  #relay: ChildProcess | undefined
  #waiters: Waiter[] = []
  #commands = 0

  private constructor(options: PhoneOptions) {
    this.options = options
    this.#logFile = join(options.directory, 'baresip.log')
    writeConfiguration(options)
    this.#program = options.programs.start({
      namespace: options.namespace,
      command: 'baresip',
      urgent: true,
      args: ['-f', options.directory],
      directory: options.directory,
    })
  }

  /** Resolves when the phone is on, with its account, and registered if it has a server. */
  static async start(options: PhoneOptions): Promise<BaresipPhone> {
    const phone = new BaresipPhone(options)
    await phone.#ready()
    phone.#connect()
    const registered = options.server === undefined ? undefined : phone.next('REGISTER_OK')
    await phone.#command('uanew', account(options))
    await registered
    return phone
  }

  get uri(): string {
    return `sip:${this.options.user}@${this.options.server ?? this.options.address}`
  }

  dial(target: string): Promise<void> {
    return this.#command('dial', target)
  }

  accept(): Promise<void> {
    return this.#command('accept')
  }

  hold(): Promise<void> {
    return this.#command('hold')
  }

  resume(): Promise<void> {
    return this.#command('resume')
  }

  /** The other end of the call shall talk to the target (REFER). */
  transfer(target: string): Promise<void> {
    return this.#command('transfer', target)
  }

  hangUp(): Promise<void> {
    return this.#command('hangup')
  }

  /** Digits in its voice (RFC 4733). */
  sendDigits(digits: string): Promise<void> {
    return this.#command('sndcode', digits)
  }

  /** Type of the last event by which a call began to ring, was answered or ended. */
  get lastCallEvent(): string | undefined {
    return this.events.findLast(({ type }) => /^CALL_(INCOMING|ESTABLISHED|CLOSED)$/.test(type))
      ?.type
  }

  /** The next event of one of these types from now on. Ask before doing what causes it. */
  next(...types: readonly string[]): Promise<PhoneEvent> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const seen = this.events.map((event) => `${event.type} ${event.param}`).join(', ')
        const phone = `phone ${this.options.user}`
        reject(new Error(`${phone}: no ${types.join(' or ')} in ${eventMsMax} ms; seen: ${seen}`))
      }, eventMsMax)
      this.#waiters.push({
        types,
        resolve: (event) => {
          clearTimeout(timer)
          resolve(event)
        },
      })
    })
  }

  /** Recordings of what this phone decoded, in the order in which they were begun. */
  decodedAudioFiles(): string[] {
    const files = readdirSync(this.options.directory).filter((name) =>
      /^dump-.*-dec\.wav$/.test(name),
    )
    return files.sort().map((name) => join(this.options.directory, name))
  }

  async stop(): Promise<void> {
    this.#program.kill('SIGTERM')
    await exited(this.#program)
    this.#relay?.kill('SIGKILL')
  }

  #ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      let output = ''
      const hear = (bytes: Buffer) => {
        output += bytes.toString('latin1')
        writeFileSync(this.#logFile, bytes, { flag: 'a' })
        if (output.length < 16_384 && output.includes('baresip is ready')) resolve()
      }
      this.#program.stdout?.on('data', hear)
      this.#program.stderr?.on('data', hear)
      this.#program.once('exit', () => reject(new Error(`baresip ended: ${output}`)))
    })
  }

  #connect(): void {
    const relay = this.options.programs.start({
      namespace: this.options.namespace,
      command: 'bash',
      args: ['-c', relayScript(controlPortOf(this.options))],
    })
    const reader = new NetstringReader()
    relay.stdout?.on('data', (bytes: Buffer) => {
      for (const text of reader.push(bytes)) this.#hear(JSON.parse(text))
    })
    this.#relay = relay
  }

  #hear(message: Record<string, unknown>): void {
    if (message.response === true) {
      this.#answers.get(String(message.token))?.(message.ok === true)
      return
    }
    const type = String(message.type)
    const event = { type, param: String(message.param ?? ''), atMs: Date.now() }
    this.events.push(event)
    const [met, open] = [true, false].map((isMet) =>
      this.#waiters.filter((waiter) => waiter.types.includes(type) === isMet),
    )
    this.#waiters = open ?? []
    for (const waiter of met ?? []) waiter.resolve(event)
  }

  #command(command: string, params = ''): Promise<void> {
    const token = `${command}-${++this.#commands}`
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#answers.get(token)?.(false), eventMsMax)
      this.#answers.set(token, (ok) => {
        clearTimeout(timer)
        this.#answers.delete(token)
        if (ok) resolve()
        else reject(new Error(`phone ${this.options.user}: ${command} ${params} refused`))
      })
      this.#relay?.stdin?.write(netstring(JSON.stringify({ command, params, token })))
    })
  }

  /** For the reader of a failed test. */
  log(): string {
    return readFileSync(this.#logFile, 'latin1')
  }
}

function controlPortOf({ place = 0 }: PhoneOptions): number {
  return controlPortFirst + place
}

function account(options: PhoneOptions): string {
  const host = options.server ?? options.address
  const registration = options.server === undefined ? 'regint=0' : 'regint=3600'
  const parameters = [
    registration,
    `answermode=${options.answer}`,
    `audio_codecs=${options.codec ?? 'pcma'}/8000/1`,
    `ptime=${options.packetMs ?? 20}`,
    ...(options.password === undefined
      ? []
      : [`auth_user=${options.user}`, `auth_pass=${options.password}`]),
  ]
  return `<sip:${options.user}@${host}>;${parameters.join(';')}`
}

function writeConfiguration(options: PhoneOptions): void {
  mkdirSync(options.directory, { recursive: true })
  const tone = join(options.directory, 'tone.wav')
  writeWav(tone, toneSamples(options.toneHz, toneSeconds))
  writeFileSync(join(options.directory, 'accounts'), '')
  writeFileSync(join(options.directory, 'config'), `${configuration(options, tone).join('\n')}\n`)
}

/** The values of the example configuration of the Debian package, where there is one. */
function configuration(options: PhoneOptions, tone: string): string[] {
  return [
    'poll_method epoll',
    `sip_listen ${options.address}:${sipPortFirst + sipPortsOfPhone * (options.place ?? 0)}`,
    'call_local_timeout 120',
    'call_max_calls 4',
    'audio_buffer 200',
    `audio_source aufile,${tone}`,
    'rtp_tos 184',
    'rtcp_mux no',
    'jitter_buffer_delay 5-10',
    'module_path /usr/lib/baresip/modules',
    'module g711.so',
    'module aufile.so',
    'module sndfile.so',
    `snd_path ${options.directory}`,
    'module_app menu.so',
    'statmode_default off',
    'module_app ctrl_tcp.so',
    `ctrl_tcp_listen 127.0.0.1:${controlPortOf(options)}`,
  ]
}
