// The command line. Written by hand rather than with getopt_long(), which keeps global
// state, prints by itself, and cannot say what was meant.

#include "neurond/cli/options.h"

#include <cstdio>
#include <optional>

#include "neurond/base/text.h"
#include "neurond/cli/command.h"

namespace neuron {

namespace {

/// Where an option may stand.
enum class For { kRun, kConfig, kControl, kSocket, kKey, kClient, kDryRun, kJson, kAny };

struct OptionSpec {
    char letter;       ///< 0: it has only the long name
    const char* name;  ///< without dashes; null: it has only the letter
    bool has_value;
    For use;
};

constexpr OptionSpec kOptions[] = {
    {'c', nullptr, true, For::kConfig},   {'D', nullptr, true, For::kConfig},
    {'d', nullptr, false, For::kRun},     {'p', nullptr, true, For::kRun},
    {'v', nullptr, false, For::kRun},     {'t', nullptr, false, For::kRun},
    {'T', nullptr, false, For::kRun},     {'V', "version", false, For::kRun},
    {'h', "help", false, For::kAny},      {'\0', "control", true, For::kControl},
    {'\0', "json", false, For::kJson},    {'\0', "dump-schema", false, For::kRun},
    {'\0', "helper", true, For::kRun},    {'\0', "reactor", false, For::kRun},
    {'\0', "socket", true, For::kSocket}, {'\0', "names", true, For::kSocket},
    {'\0', "wait", true, For::kSocket},   {'\0', "key", true, For::kKey},
    {'\0', "client", true, For::kClient},
    {'\0', "cgroup", true, For::kRun},   {'\0', "alive", true, For::kRun},
    {'\0', "as", true, For::kRun},       {'\0', "again", false, For::kRun},
    {'\0', "detached", false, For::kRun},
    {'\0', "dry-run", false, For::kDryRun}, {'\0', "probe", false, For::kRun},
};

/// Those a mistyped one is compared with; the others are nobody's to type.
const std::vector<std::string_view>& offered_names() {
    static const std::vector<std::string_view> names = {
        "version", "help", "control", "json", "socket", "names", "wait", "key",
        "client",  "dry-run", "probe"};
    return names;
}

/// Whether it has the form of section.key=value; what it says is for conf to judge.
bool is_setting(std::string_view text) {
    const std::string_view path = trim(text.substr(0, text.find('=')));
    const size_t dot = path.find('.');
    return text.find('=') != text.npos && dot != path.npos && dot > 0 &&
           dot + 1 < path.size();
}

std::string shown(const OptionSpec& spec) {
    return spec.name == nullptr ? std::string{'-', spec.letter}
                                : std::string("--") + spec.name;
}

Error unknown(std::string_view what, std::string_view word, std::string_view dashes,
              const std::vector<std::string_view>& candidates) {
    std::string message = "unknown " + std::string(what) + " '" + std::string(dashes) +
                          escape(word, 64) + "'";
    const std::string_view near = nearest(word, candidates);
    if (!near.empty()) {
        message += ", did you mean '" + std::string(dashes) + std::string(near) + "'?";
    }
    return Error{message};
}

class Parser {
  public:
    explicit Parser(const std::vector<std::string_view>& args) : args_(args) {}

    Result<Options> parse();

  private:
    Status take_long(std::string_view text);
    Status take_short(std::string_view letters);
    Status apply(const OptionSpec& spec, std::string_view value);
    void apply_to_reactor(std::string_view name, std::string_view value);
    Status set_action(Action action, const OptionSpec& spec);
    std::optional<std::string_view> next_value();
    Status take_words();
    Status check_uses(const Command& command) const;

    const std::vector<std::string_view>& args_;
    size_t at_ = 0;
    Options options_;
    std::vector<std::string_view> words_;
    std::vector<const OptionSpec*> used_;
};

/// The next argument as the value of an option.
std::optional<std::string_view> Parser::next_value() {
    if (at_ + 1 >= args_.size()) {
        return std::nullopt;
    }
    return args_[++at_];
}

Status Parser::set_action(Action action, const OptionSpec& spec) {
    if (options_.action != Action::kRun && options_.action != action) {
        return Error{shown(spec) + " cannot stand beside another option of its kind"};
    }
    options_.action = action;
    return Ok{};
}

Status Parser::apply(const OptionSpec& spec, std::string_view value) {
    used_.push_back(&spec);
    const std::string_view name = spec.name == nullptr ? "" : spec.name;
    if (spec.letter == 'c') {
        options_.config_path = value;
    } else if (spec.letter == 'D') {
        if (!is_setting(value)) {
            return Error{"-D " + escape(value, 64) + ": expected section.key=value"};
        }
        options_.overrides.emplace_back(value);
    } else if (spec.letter == 'd') {
        options_.daemonize = true;
    } else if (spec.letter == 'p') {
        options_.pid_file = value;
    } else if (spec.letter == 'v') {
        options_.verbose = true;
    } else if (spec.letter == 't') {
        return set_action(Action::kCheckConfig, spec);
    } else if (spec.letter == 'T') {
        return set_action(Action::kDumpConfig, spec);
    } else if (name == "version") {
        return set_action(Action::kShowVersion, spec);
    } else if (name == "help") {
        return set_action(Action::kHelp, spec);
    } else if (name == "control") {
        options_.control_path = value;
    } else if (name == "json") {
        options_.json = true;
    } else if (name == "dry-run") {
        options_.dry_run = true;
    } else if (name == "probe") {
        options_.probe = true;
    } else if (name == "socket") {
        options_.socket_path = value;
    } else if (name == "names") {
        options_.names = value;
    } else if (name == "wait") {
        options_.wait = value;
    } else if (name == "key") {
        options_.key_path = value;
    } else if (name == "client") {
        options_.client = value;
    } else if (name == "dump-schema") {
        return set_action(Action::kDumpSchema, spec);
    } else if (name == "helper") {
        options_.helper_role = value;
        return set_action(Action::kHelper, spec);
    } else if (name == "reactor") {
        return set_action(Action::kReactor, spec);
    } else {
        apply_to_reactor(name, value);
    }
    return Ok{};
}

/// What keepers tell reactors.
void Parser::apply_to_reactor(std::string_view name, std::string_view value) {
    ReactorOptions& reactor = options_.reactor;
    if (name == "cgroup") {
        reactor.cgroup = value;
    } else if (name == "alive") {
        reactor.alive = Millis(parse_u64(value).value_or(0));
    } else if (name == "as") {
        reactor.as = value;
    } else if (name == "again") {
        reactor.again = true;
    } else {
        reactor.detached = true;
    }
}

Status Parser::take_long(std::string_view text) {
    const size_t equals = text.find('=');
    const std::string_view name = text.substr(0, equals);
    for (const OptionSpec& spec : kOptions) {
        if (spec.name == nullptr || name != spec.name) {
            continue;
        }
        if (!spec.has_value) {
            return equals == std::string_view::npos
                       ? apply(spec, {})
                       : Status(Error{shown(spec) + " takes no value"});
        }
        const auto value = equals == std::string_view::npos
                               ? next_value()
                               : std::optional(text.substr(equals + 1));
        if (!value || value->empty()) {
            return Error{shown(spec) + " needs a value"};
        }
        return apply(spec, *value);
    }
    return unknown("option", name, "--", offered_names());
}

Status Parser::take_short(std::string_view letters) {
    while (!letters.empty()) {
        const char letter = letters[0];
        letters.remove_prefix(1);
        const OptionSpec* found = nullptr;
        for (const OptionSpec& spec : kOptions) {
            found = spec.letter == letter ? &spec : found;
        }
        if (letter == '\0' || found == nullptr) {
            return unknown("option", std::string_view(&letter, 1), "-", {});
        }
        std::string_view value;
        if (found->has_value) {
            value = letters.empty() ? next_value().value_or("") : letters;
            letters = {};
            if (value.empty()) {
                return Error{shown(*found) + " needs a value"};
            }
        }
        if (Status s = apply(*found, value); !s) {
            return s;
        }
    }
    return Ok{};
}

/// An option that means nothing to this command is a mistake, not decoration.
Status Parser::check_uses(const Command& command) const {
    for (const OptionSpec* spec : used_) {
        const bool fits =
            spec->use == For::kAny ||
            (spec->use == For::kConfig &&
             (command.has_control || command.has_socket || command.has_key)) ||
            (spec->use == For::kKey && command.has_key) ||
            (spec->use == For::kClient && command.has_client) ||
            (spec->use == For::kDryRun && command.has_dry_run) ||
            (spec->use == For::kControl && command.has_control) ||
            (spec->use == For::kSocket && command.has_socket) ||
            (spec->use == For::kJson && command.has_json);
        if (!fits) {
            return Error{shown(*spec) + " does not go with '" + command.name + "'"};
        }
    }
    return Ok{};
}

/// What is left when the options are out: the verb and its arguments, or nothing.
Status Parser::take_words() {
    if (words_.empty()) {
        if (options_.probe && options_.action != Action::kCheckConfig) {
            return Error{"--probe goes with -t"};
        }
        const bool lists = options_.probe || options_.action == Action::kDumpConfig;
        for (const OptionSpec* spec : used_) {
            if ((spec->use == For::kJson && !lists) ||
                spec->use == For::kControl ||
                spec->use == For::kSocket || spec->use == For::kKey) {
                return Error{shown(*spec) + " needs a command"};
            }
        }
        return Ok{};
    }
    const Command* command = find_command(words_[0]);
    if (command == nullptr) {
        return unknown_command(words_[0]);
    }
    options_.command = command->name;
    options_.args.assign(words_.begin() + 1, words_.end());
    if (options_.action == Action::kHelp) {  // `neurond status --help`
        options_.args = {options_.command};
        options_.command = "help";
        options_.action = Action::kCommand;
        return Ok{};
    }
    if (Status s = check_uses(*command); !s) {
        return s;
    }
    options_.action = Action::kCommand;
    if (options_.args.size() < command->min_args) {
        return Error{options_.command + " needs " + command->arguments};
    }
    if (options_.args.size() > command->max_args) {
        return Error{options_.command + " does not take '" +
                     escape(options_.args[command->max_args], 64) + "'"};
    }
    return Ok{};
}

Result<Options> Parser::parse() {
    bool options_end = false;
    for (; at_ < args_.size(); ++at_) {
        const std::string_view arg = args_[at_];
        Status status = Ok{};
        if (options_end || arg.size() < 2 || arg[0] != '-') {
            words_.push_back(arg);
        } else if (arg == "--") {
            options_end = true;
        } else if (arg[1] == '-') {
            status = take_long(arg.substr(2));
        } else {
            status = take_short(arg.substr(1));
        }
        if (!status) {
            return status.error();
        }
    }
    if (Status s = take_words(); !s) {
        return s.error();
    }
    return std::move(options_);
}

}  // namespace

Result<Options> parse_options(const std::vector<std::string_view>& args) {
    return Parser(args).parse();
}

Error unknown_command(std::string_view word) {
    std::vector<std::string_view> names;
    for (const Command& command : commands()) {
        names.emplace_back(command.name);
    }
    return unknown("command", word, "", names);
}

int print_usage_error(const Error& error) {
    std::fprintf(stderr, "neurond: %s\ntry 'neurond help'\n", error.message.c_str());
    return kExitUsage;
}

}  // namespace neuron
