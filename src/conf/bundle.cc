// A load that can be repeated elsewhere: the keeper validates a configuration once and
// hands every reactor what it saw, through memory, so that a file changed or broken since
// cannot keep a crashed reactor from coming back.
//
// The text is a sequence of records "count length… \n bytes…"; fields hold any bytes.

#include "neurond/conf/bundle.h"

#include <algorithm>

#include "neurond/base/text.h"

namespace neuron::conf {
namespace {

constexpr const char* kMagic = "neurond bundle 1";
constexpr const char* kRead = "read";
constexpr const char* kSecret = "secret";
constexpr const char* kExpand = "expand";
constexpr const char* kVariable = "variable";
constexpr const char* kOwnVariables = "own-variables";
constexpr const char* kExecutable = "executable";
constexpr const char* kDirectory = "directory";
constexpr const char* kGroup = "group";
constexpr const char* kUser = "user";
constexpr const char* kCgroup = "cgroup";
constexpr const char* kOptions = "options";

using Fields = std::vector<std::string>;

Fields to_fields(const Error& error) {
    return {"error", error.message, std::to_string(error.sys)};
}
Fields to_fields(const Result<FileText>& file) {
    return file ? Fields{"ok", file->text, file->world_readable ? "public" : "private"}
                : to_fields(file.error());
}
Fields to_fields(const Status& status) {
    return status ? Fields{"ok"} : to_fields(status.error());
}
Fields to_fields(const Result<Fields>& words) {
    if (!words) {
        return to_fields(words.error());
    }
    Fields fields = {"ok"};
    fields.insert(fields.end(), words->begin(), words->end());
    return fields;
}

/// The fields of an answer that must have at least `count`, or the error it was.
Result<Fields> answer(const Answers& answers, const char* kind,
                      const std::string& object, size_t count) {
    const auto found = answers.find({kind, object});
    if (found == answers.end()) {
        return Error{"replay " + object + ": not recorded"};
    }
    const Fields& fields = found->second;
    if (fields.size() == 3 && fields[0] == "error") {
        const auto sys = parse_u64(fields[2]).value_or(0);
        return Error{fields[1], static_cast<int>(std::min<uint64_t>(sys, 4095))};
    }
    if (fields.size() < count || fields.empty() || fields[0] != "ok") {
        return Error{"replay " + object + ": the record is damaged"};
    }
    return Fields(fields.begin() + 1, fields.end());
}

Result<FileText> file_answer(const Answers& answers, const char* kind,
                             const std::string& path) {
    auto fields = answer(answers, kind, path, 3);
    if (!fields) {
        return fields.error();
    }
    return FileText{std::move((*fields)[0]), (*fields)[1] == "public"};
}

Status status_answer(const Answers& answers, const char* kind,
                     const std::string& path) {
    auto fields = answer(answers, kind, path, 1);
    return fields ? Status(Ok{}) : Status(fields.error());
}

void write_record(std::string& out, const Fields& fields) {
    out += std::to_string(fields.size());
    for (const std::string& field : fields) {
        out += ' ' + std::to_string(field.size());
    }
    out += '\n';
    for (const std::string& field : fields) {
        out += field;
    }
}

/// Takes one record off the front of `text`; false if there is none.
bool read_record(std::string_view& text, Fields& fields) {
    const size_t end = text.find('\n');
    if (end == text.npos) {
        return false;
    }
    const auto lengths = split(text.substr(0, end), ' ');
    text.remove_prefix(end + 1);
    if (parse_u64(lengths[0]) != lengths.size() - 1) {
        return false;
    }
    fields.clear();
    for (size_t i = 1; i < lengths.size(); ++i) {
        const auto length = parse_u64(lengths[i]);
        if (!length || *length > text.size()) {
            return false;
        }
        fields.emplace_back(text.substr(0, static_cast<size_t>(*length)));
        text.remove_prefix(fields.back().size());
    }
    return true;
}

}  // namespace

std::string RecordingFiles::serialize(const LoadOptions& options) const {
    std::string out = kMagic;
    out += '\n';
    Fields record = {kOptions, options.path};
    record.insert(record.end(), options.overrides.begin(), options.overrides.end());
    write_record(out, record);
    for (const auto& [question, fields] : answers_) {
        record = {question.first, question.second};
        record.insert(record.end(), fields.begin(), fields.end());
        write_record(out, record);
    }
    return out;
}

std::vector<std::string> RecordingFiles::paths() const {
    std::vector<std::string> out;
    for (const auto& [question, fields] : answers_) {
        if (question.first == kRead || question.first == kSecret ||
            question.first == kExpand) {
            out.push_back(question.second);
        }
    }
    return out;
}

Result<FileText> RecordingFiles::read_config(const std::string& path) {
    auto result = inner_.read_config(path);
    answers_[{kRead, path}] = to_fields(result);
    return result;
}

Result<FileText> RecordingFiles::read_secret(const std::string& path) {
    auto result = inner_.read_secret(path);
    answers_[{kSecret, path}] = to_fields(result);
    return result;
}

Result<std::vector<std::string>> RecordingFiles::expand(const std::string& pattern) {
    auto result = inner_.expand(pattern);
    answers_[{kExpand, pattern}] = to_fields(result);
    return result;
}

std::optional<std::string> RecordingFiles::variable(const std::string& name) {
    auto value = inner_.variable(name);
    answers_[{kVariable, name}] = value ? Fields{"ok", *value} : Fields{"unset"};
    return value;
}

std::vector<std::string> RecordingFiles::own_variables() {
    auto names = inner_.own_variables();
    answers_[{kOwnVariables, ""}] = to_fields(Result<Fields>(names));
    return names;
}

Status RecordingFiles::check_executable(const std::string& path) {
    auto status = inner_.check_executable(path);
    answers_[{kExecutable, path}] = to_fields(status);
    return status;
}

Status RecordingFiles::check_directory(const std::string& path) {
    auto status = inner_.check_directory(path);
    answers_[{kDirectory, path}] = to_fields(status);
    return status;
}

Status RecordingFiles::check_group(const std::string& name) {
    auto status = inner_.check_group(name);
    answers_[{kGroup, name}] = to_fields(status);
    return status;
}

Status RecordingFiles::check_user(const std::string& name) {
    auto status = inner_.check_user(name);
    answers_[{kUser, name}] = to_fields(status);
    return status;
}

Status RecordingFiles::check_cgroup(const std::string& controller) {
    auto status = inner_.check_cgroup(controller);
    answers_[{kCgroup, controller}] = to_fields(status);
    return status;
}

Result<FileText> ReplayFiles::read_config(const std::string& path) {
    return file_answer(answers_, kRead, path);
}

Result<FileText> ReplayFiles::read_secret(const std::string& path) {
    return file_answer(answers_, kSecret, path);
}

Result<std::vector<std::string>> ReplayFiles::expand(const std::string& pattern) {
    return answer(answers_, kExpand, pattern, 1);
}

std::optional<std::string> ReplayFiles::variable(const std::string& name) {
    auto fields = answer(answers_, kVariable, name, 2);
    return fields ? std::optional<std::string>((*fields)[0]) : std::nullopt;
}

std::vector<std::string> ReplayFiles::own_variables() {
    auto fields = answer(answers_, kOwnVariables, "", 1);
    return fields ? std::move(*fields) : Fields();
}

Status ReplayFiles::check_executable(const std::string& path) {
    return status_answer(answers_, kExecutable, path);
}

Status ReplayFiles::check_directory(const std::string& path) {
    return status_answer(answers_, kDirectory, path);
}

Status ReplayFiles::check_group(const std::string& name) {
    return status_answer(answers_, kGroup, name);
}

Status ReplayFiles::check_user(const std::string& name) {
    return status_answer(answers_, kUser, name);
}

Status ReplayFiles::check_cgroup(const std::string& controller) {
    return status_answer(answers_, kCgroup, controller);
}

Result<Bundle> parse_bundle(std::string_view text) {
    const std::string magic = std::string(kMagic) + '\n';
    if (!starts_with(text, magic)) {
        return Error{"read bundle: not one of this version"};
    }
    text.remove_prefix(magic.size());
    LoadOptions options;
    Answers answers;
    bool has_options = false;
    for (Fields fields; !text.empty();) {
        if (!read_record(text, fields) || fields.size() < 2) {
            return Error{"read bundle: damaged"};
        }
        if (fields[0] == kOptions) {
            has_options = true;
            options.path = fields[1];
            options.overrides.assign(fields.begin() + 2, fields.end());
        } else {
            answers[{fields[0], fields[1]}].assign(fields.begin() + 2, fields.end());
        }
    }
    if (!has_options) {
        return Error{"read bundle: damaged"};
    }
    return Bundle{std::move(options), ReplayFiles(std::move(answers))};
}

}  // namespace neuron::conf
