//! `vccs beacon`.
import { Flags } from '@oclif/core'
import { limits } from '../../../daemon/src/limits.ts'
import { BeaconWatch } from '../../../daemon/src/oam/beacon-watch.ts'
import { beaconKey, readKeyFile } from '../../../daemon/src/oam/key-file.ts'
import { type Beacon, decodeBeacon } from '../../../daemon/src/wire/beacon.ts'
import { plainNodes } from '../../../daemon/src/wire/beacon-grammar.ts'
import { type GlobalValues, VccsCommand } from '../base-command.ts'
import { listen } from '../beacon-listener.ts'
import { CliFailure } from '../failure.ts'
import { drawBeacon, drawSilence } from '../screens/beacon.ts'

/** Beacons that were recorded long ago, and clocks that are as wrong, are not believed. */
const ageMsMax = 30_000
const lookMs = 250

interface Values extends GlobalValues {
  readonly key: string
  readonly group: string
  readonly port: number
  readonly address: string | undefined
  readonly once: boolean
  readonly 'any-clock': boolean
}

export class BeaconListen extends VccsCommand {
  static override summary = 'Listen to the state that the primary tells the site every 2 s.'
  static override description =
    'Needs no daemon: for any machine of the site that holds the key of the beacon. ' +
    'Forged and recorded beacons are counted, not shown. Exit code 4 when there is silence. ' +
    'With --json one object a line.'
  static override examples = [
    '<%= config.bin %> beacon --key /etc/vccs/beacon.key',
    '<%= config.bin %> beacon --once --json --address 192.168.1.50',
  ]
  static override flags = {
    key: Flags.string({
      description: 'Key file of the beacon.',
      default: '/etc/vccs/beacon.key',
      helpValue: 'FILE',
    }),
    group: Flags.string({
      description: 'Multicast group; "none" when the node sends to this machine alone.',
      default: '239.255.86.67',
    }),
    port: Flags.integer({ description: 'UDP port.', default: 5702, min: 1, max: 65_535 }),
    address: Flags.string({ description: 'Own address on the network of the group.' }),
    once: Flags.boolean({ description: 'End with the first beacon, or after 6 s of silence.' }),
    'any-clock': Flags.boolean({ description: 'The clocks of this site are not synchronised.' }),
  }

  #silent = false

  async run(): Promise<number> {
    const { flags } = await this.parse(BeaconListen)
    const secret = readKeyFile(flags.key)
    if (!secret.ok) throw new CliFailure(secret.failure.code, secret.failure.detail)
    const key = beaconKey(secret.value)
    const { io } = this
    const watch = new BeaconWatch(
      io.nowMs(),
      flags['any-clock'] ? Number.POSITIVE_INFINITY : ageMsMax,
    )
    const done = new AbortController()
    const stop = await listen({
      group: flags.group === 'none' ? null : flags.group,
      port: flags.port,
      address: flags.address ?? null,
      onDatagram: (bytes) => {
        const now = { monotonicMs: io.nowMs(), wallMs: io.nowMs() }
        const news = watch.take(decodeBeacon(bytes, key), now)
        if (news === null || done.signal.aborted) return
        this.#show(flags, news, watch)
        if (flags.once) done.abort()
      },
    })
    try {
      return await this.#listen(flags, watch, done.signal)
    } finally {
      stop()
    }
  }

  async #listen(flags: Values, watch: BeaconWatch, done: AbortSignal): Promise<number> {
    const { stop } = this.io
    while (!stop.aborted && !done.aborted) {
      const silentMs = watch.silentMs(this.io.nowMs())
      if (silentMs !== null && flags.once) {
        const { forged, malformed, old } = watch.counters
        const seen = `${forged} forged, ${malformed} malformed and ${old} old ones were dropped`
        const seconds = Math.floor(silentMs / 1_000)
        throw new CliFailure('beacon-silent', `No beacon for ${seconds} s; ${seen}`)
      }
      this.#tellSilence(flags, watch, silentMs)
      await this.io.sleep(lookMs)
    }
    return this.#silent ? 4 : 0
  }

  /** At its begin, and then with each period in which a beacon should have come. */
  #toldAtMs = 0
  #tellSilence(flags: Values, watch: BeaconWatch, silentMs: number | null): void {
    this.#silent = silentMs !== null
    if (silentMs === null || this.io.nowMs() - this.#toldAtMs < limits.beaconMs) return
    this.#toldAtMs = this.io.nowMs()
    const result = { schema: 'vccs/beacon-silence/1', silentMs, counters: watch.counters }
    this.print(flags, result, (screen) => drawSilence(screen, silentMs, watch.counters))
  }

  #show(flags: Values, beacon: Beacon, watch: BeaconWatch): void {
    const { counters } = watch
    const extension = plainNodes(beacon.extension)
    const result = { schema: 'vccs/beacon/1', ...beacon, extension, counters }
    this.print(flags, result, (screen) => drawBeacon(screen, beacon, counters))
  }
}
