// ${env:…}, ${file:…}, ${credential:…} and $$: replaced once, after a value was split
// into words, so that nothing a variable holds can become syntax.

#include "neurond/conf/expand.h"

#include <algorithm>
#include <utility>

#include "neurond/base/secrets.h"
#include "neurond/base/text.h"
#include "neurond/conf/lexer.h"
#include "neurond/conf/schema.h"

namespace neuron::conf {
namespace {

constexpr std::string_view kKinds = "${env:NAME}, ${file:/PATH} or ${credential:NAME}";

class Expander {
  public:
    Expander(Files& files, std::set<std::string>& used) : files_(files), used_(used) {}

    Result<Expanded> run(std::string_view text);

  private:
    Status reference(std::string_view inside);
    Status variable(std::string_view inside);
    Status file(const std::string& path);
    Status credential(std::string_view name);

    Files& files_;
    std::set<std::string>& used_;
    Expanded out_;
};

Error bad(std::string_view reference, std::string_view why) {
    return Error{"${" + escape(reference) + "} " + std::string(why)};
}

bool is_variable_name(std::string_view name) noexcept {
    return !name.empty() && name.find_first_of("= \t\n") == name.npos;
}

Status Expander::variable(std::string_view inside) {
    const std::string_view whole = inside.substr(4);
    const size_t fallback = whole.find(":-");
    const std::string name(whole.substr(0, fallback));
    if (!is_variable_name(name)) {
        return bad(inside, "names no variable, expected ${env:NAME}");
    }
    used_.insert(name);
    const auto value = files_.variable(name);
    if (fallback != whole.npos && (!value || value->empty())) {
        const std::string_view text = whole.substr(fallback + 2);
        out_.text += text;
        out_.written += text;
        out_.has_default = out_.has_default || !text.empty();
        out_.secret_variable =
            out_.secret_variable || (!text.empty() && is_secret_name(name));
        return Ok{};
    }
    if (!value) {
        return bad(inside, "is not set, expected the variable " + name +
                               " or a default as in ${env:" + name + ":-value}");
    }
    size_t at = 0;
    if (!is_clean(*value, at)) {
        return bad(inside, "holds control bytes or invalid UTF-8");
    }
    out_.text += *value;
    out_.written += kMask;
    out_.secret_variable = out_.secret_variable || is_secret_name(name);
    return Ok{};
}

Status Expander::file(const std::string& path) {
    auto content = files_.read_secret(path);
    if (!content) {
        return content.error();
    }
    std::string_view text = content->text;
    if (ends_with(text, "\n")) {
        text.remove_suffix(1);
    }
    if (text.find('\0') != text.npos) {
        return Error{"read " + path + ": it holds a NUL byte"};
    }
    out_.text += text;
    out_.written += kMask;
    out_.from_file = true;
    if (content->world_readable) {
        out_.public_file = path;
    }
    return Ok{};
}

Status Expander::credential(std::string_view name) {
    if (name.empty() || name == "." || name == ".." || name.find('/') != name.npos) {
        return bad("credential:" + std::string(name),
                   "names no credential, expected ${credential:NAME}");
    }
    const auto directory = files_.variable("CREDENTIALS_DIRECTORY");
    if (!directory || directory->empty()) {
        return bad("credential:" + std::string(name),
                   "has no place, expected CREDENTIALS_DIRECTORY to be set by systemd");
    }
    return file(*directory + '/' + std::string(name));
}

Status Expander::reference(std::string_view inside) {
    out_.literal = false;
    if (starts_with(inside, "env:")) {
        return variable(inside);
    }
    if (starts_with(inside, "file:")) {
        const std::string path(inside.substr(5));
        if (!starts_with(path, "/")) {
            return bad(inside, "has no absolute path, expected ${file:/PATH}");
        }
        return file(path);
    }
    if (starts_with(inside, "credential:")) {
        return credential(inside.substr(11));
    }
    return bad(inside, "is not known, expected " + std::string(kKinds));
}

Result<Expanded> Expander::run(std::string_view text) {
    for (size_t at = 0; at < text.size();) {
        const size_t dollar = std::min(text.find('$', at), text.size());
        out_.text += text.substr(at, dollar - at);
        out_.written += text.substr(at, dollar - at);
        if (dollar == text.size()) {
            break;
        }
        const std::string_view rest = text.substr(dollar + 1);
        if (starts_with(rest, "$")) {
            out_.text += '$';
            out_.written += '$';
            at = dollar + 2;
            continue;
        }
        if (!starts_with(rest, "{")) {
            return Error{"a single $ means nothing, expected $$ for a dollar sign or " +
                         std::string(kKinds)};
        }
        const size_t close = rest.find('}');
        if (close == rest.npos) {
            return Error{"${ is not closed, expected a }"};
        }
        if (Status done = reference(rest.substr(1, close - 1)); !done) {
            return done.error();
        }
        at = dollar + 1 + close + 1;
    }
    return std::move(out_);
}

}  // namespace

Result<Expanded> expand(std::string_view text, Files& files,
                        std::set<std::string>& used) {
    return Expander(files, used).run(text);
}

}  // namespace neuron::conf
