#ifndef NEUROND_CLI_VERBS_H
#define NEUROND_CLI_VERBS_H

namespace neuron {

struct Options;

// The verbs behind the rows of command.cc. Each prints what a person or, with --json, a
// program asked for on stdout, what went wrong on stderr as "neurond: ...", and returns
// the exit code.

int run_status(const Options& options);
int run_servers(const Options& options);
int run_history(const Options& options);
int run_logs(const Options& options);
int run_restart(const Options& options);
int run_enable(const Options& options);
int run_disable(const Options& options);
int run_tools(const Options& options);
int run_prompts(const Options& options);
int run_resources(const Options& options);
int run_call(const Options& options);
int run_health(const Options& options);
/// Returns when the reload is over.
int run_reload(const Options& options);
/// Return when the daemon's process is gone; the first not later than kMaxStopWait.
int run_stop(const Options& options);
int run_drain(const Options& options);
/// Returns when the daemon stops.
int run_config(const Options& options);
int run_events(const Options& options);
/// Returns when the session is over.
int run_connect(const Options& options);
/// verify FILE…, key. Needs no daemon.
int run_audit(const Options& options);
int run_help(const Options& options);
int run_host_tools(const Options& options);

// What single letters ask for instead of a verb: -t, -T, -V.
int run_check_config(const Options& options);
/// -t --probe.
int run_probe(const Options& options);
int run_dump_config(const Options& options);
int run_version();

}  // namespace neuron

#endif
