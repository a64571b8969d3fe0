//! Kamailio of Debian as the switch of another centre: a registrar for its own telephones, and a proxy that
//! sends numbers which begin with 3 to us.
import type { ChildProcess } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exited, type Programs } from '../net/processes.ts'
import { until } from '../waiting.ts'

interface KamailioOptions {
  readonly programs: Programs
  readonly namespace: string
  readonly directory: string
  readonly address: string
  /** Where calls to us go. */
  readonly server: string
}

export class Kamailio {
  readonly #program: ChildProcess

  private constructor(program: ChildProcess) {
    this.#program = program
  }

  /** Resolves when it listens. */
  static async start(options: KamailioOptions): Promise<Kamailio> {
    const { programs, namespace, directory } = options
    mkdirSync(directory, { recursive: true })
    const file = join(directory, 'kamailio.cfg')
    const logFile = join(directory, 'kamailio.log')
    writeFileSync(file, configuration(options))
    const program = programs.start({
      namespace,
      command: 'kamailio',
      args: ['-f', file, '-DD', '-E', '-m', '32', '-M', '4', '-Y', directory, '-w', directory],
      directory,
      logFile,
    })
    await until(() => readFileSync(logFile, 'latin1').includes('Listening on'), {
      what: 'Kamailio that listens',
    })
    return new Kamailio(program)
  }

  async stop(): Promise<void> {
    this.#program.kill('SIGTERM')
    await exited(this.#program)
  }
}

const modules = [
  'sl',
  'tm',
  'rr',
  'pv',
  'maxfwd',
  'usrloc',
  'registrar',
  'siputils',
  'textops',
  'tmx',
]

function configuration({ address, server }: KamailioOptions): string {
  return `#!KAMAILIO
debug=1
log_stderror=yes
children=2
disable_tcp=yes
listen=udp:${address}:5060
${modules.map((name) => `loadmodule "${name}.so"`).join('\n')}
modparam("usrloc", "db_mode", 0)
request_route {
  if (!mf_process_maxfwd_header("70")) { sl_send_reply("483", "Too Many Hops"); exit; }
  if (is_method("OPTIONS") && $rU == $null) { sl_send_reply("200", "OK"); exit; }
  if (has_totag()) {
    if (loose_route()) { t_relay(); exit; }
    if (is_method("ACK")) { if (t_check_trans()) { t_relay(); } exit; }
    sl_send_reply("404", "Not Here");
    exit;
  }
  if (is_method("CANCEL")) { if (t_check_trans()) { t_relay(); } exit; }
  t_check_trans();
  if (is_method("REGISTER")) { save("location"); exit; }
  record_route();
  if ($rU =~ "^3") { $du = "sip:${server}:5060"; t_relay(); exit; }
  if (!lookup("location")) { sl_send_reply("404", "Not Found"); exit; }
  t_relay();
}
`
}
