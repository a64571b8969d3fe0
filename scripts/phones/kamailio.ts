//! Kamailio of Debian as the switch of another centre: a registrar for its own telephones, and a proxy that
//! sends numbers which begin with 3 to us, and serves none that begin with 9 (503). Its 58001 is forwarded to our
//! 1001. Also as the peer of our switch in a benchmark.
import type { ChildProcess } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exited, type Programs, processTree } from '../net/processes.ts'
import { until } from '../waiting.ts'

interface KamailioOptions {
  readonly programs: Programs
  readonly namespace: string
  readonly directory: string
  readonly address: string
  /** Where calls to us go; null: it knows nobody but its own telephones. */
  readonly server: string | null
  /** Registrations need a digest; the password of a telephone is this and its number. */
  readonly passwords?: string
  /** Shared memory of its processes. */
  readonly memoryMiB?: number
  /** Processes that take messages; with several, one message may overtake another. */
  readonly workers?: number
  /** Before the command, e.g. `taskset`. */
  readonly before?: readonly string[]
}

export class Kamailio {
  readonly #program: ChildProcess

  private constructor(program: ChildProcess) {
    this.#program = program
  }

  /** Resolves when it listens. */
  static async start(options: KamailioOptions): Promise<Kamailio> {
    const { programs, namespace, directory, memoryMiB = 32, before = [] } = options
    mkdirSync(directory, { recursive: true })
    const file = join(directory, 'kamailio.cfg')
    const logFile = join(directory, 'kamailio.log')
    writeFileSync(file, configuration(options))
    const own = ['-f', file, '-DD', '-E', '-Y', directory, '-w', directory]
    const [command = '', ...args] = [...before, 'kamailio', ...own]
    const program = programs.start({
      namespace,
      command,
      args: [...args, '-m', String(memoryMiB), '-M', '4'],
      directory,
      logFile,
    })
    await until(() => readFileSync(logFile, 'latin1').includes('Listening on'), {
      what: 'Kamailio that listens',
    })
    return new Kamailio(program)
  }

  /** All its processes. */
  pids(): number[] {
    return this.#program.pid === undefined ? [] : processTree(this.#program.pid)
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
  'auth',
]

/** The challenge of a registration, as our switch makes it. */
function digest({ address, passwords }: KamailioOptions): string {
  if (passwords === undefined) return ''
  return `
    $var(password) = "${passwords}" + $tU;
    if (!pv_www_authenticate("${address}", "$var(password)", "0")) {
      www_challenge("${address}", "1");
      exit;
    }`
}

function configuration(options: KamailioOptions): string {
  const { address, server, workers = 2 } = options
  const own = `sip:58001@${address}`
  const toUs = `if ($rU == "58001") {
    append_hf("Diversion: <${own}>;reason=unconditional;screen=no\\r\\n");
    append_hf("History-Info: <${own}?Reason=SIP%3Bcause%3D302>;index=1\\r\\n");
    append_hf("History-Info: <sip:31001@${server}>;index=1.1\\r\\n");
    $rU = "31001";
  }
  if ($rU =~ "^3") { $du = "sip:${server}:5060"; t_relay(); exit; }
  if ($rU =~ "^9") { sl_send_reply("503", "Service Unavailable"); exit; }`
  return `#!KAMAILIO
debug=1
log_stderror=yes
children=${workers}
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
  if (is_method("REGISTER")) {${digest(options)}
    save("location");
    exit;
  }
  record_route();
  ${server === null ? '' : toUs}
  if (!lookup("location")) { sl_send_reply("404", "Not Found"); exit; }
  t_relay();
}
`
}
