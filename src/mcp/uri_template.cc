// Which server's template a URI comes from. All the ways to match are followed at once, so
// that no template of a server's can make it slow.

#include "neurond/mcp/uri_template.h"

#include <optional>
#include <vector>

#include "neurond/base/text.h"

namespace neuron {

namespace {

/// What one step of a template takes.
struct Step {
    enum class Kind {
        kChar,     ///< exactly this character
        kSegment,  ///< any but / ? #
        kAny,      ///< any
        kQuery,    ///< any but #
    };
    Kind kind = Kind::kChar;
    char c = 0;
    bool repeats = false;   ///< may take more than one
    size_t may_skip = 0;    ///< so many steps from here on may be left out
};

bool takes(const Step& step, char c) {
    switch (step.kind) {
        case Step::Kind::kChar:
            return c == step.c;
        case Step::Kind::kSegment:
            return c != '/' && c != '?' && c != '#';
        case Step::Kind::kAny:
            return true;
        case Step::Kind::kQuery:
            return c != '#';
    }
    return false;
}

Step run_of(Step::Kind kind) {
    Step out;
    out.kind = kind;
    out.repeats = true;
    return out;
}

Step literal(char c) {
    Step out;
    out.c = c;
    return out;
}

/// The steps of `{…}`; false when it is not well formed.
bool add_expression(std::string_view inside, std::vector<Step>& steps) {
    if (inside.empty()) {
        return false;
    }
    const char op = inside.front();
    switch (op) {
        case '+':
            steps.push_back(run_of(Step::Kind::kAny));
            break;
        case '#':
        case ';':
        case '?':
        case '&': {
            Step first = literal(op);
            first.may_skip = 2;
            steps.push_back(first);
            Step rest = run_of(op == '#'   ? Step::Kind::kAny
                               : op == ';' ? Step::Kind::kSegment
                                           : Step::Kind::kQuery);
            rest.may_skip = 1;
            steps.push_back(rest);
            break;
        }
        case '.':
        case '/':
            for (const std::string_view name : split(inside.substr(1), ',')) {
                Step first = literal(op);
                first.may_skip = 2;
                steps.push_back(first);
                steps.push_back(run_of(Step::Kind::kSegment));
                if (name.empty()) {
                    return false;
                }
            }
            break;
        default:
            steps.push_back(run_of(Step::Kind::kSegment));
    }
    return true;
}

std::optional<std::vector<Step>> steps_of(std::string_view uri_template) {
    std::vector<Step> steps;
    for (size_t at = 0; at < uri_template.size(); ++at) {
        if (uri_template[at] != '{') {
            steps.push_back(literal(uri_template[at]));
            continue;
        }
        const size_t end = uri_template.find('}', at);
        if (end == std::string_view::npos ||
            !add_expression(uri_template.substr(at + 1, end - at - 1), steps)) {
            return std::nullopt;
        }
        at = end;
    }
    return steps;
}

/// The steps that may come next, each once.
class Places {
  public:
    explicit Places(const std::vector<Step>& steps)
        : steps_(&steps), marks_(steps.size() + 1, 0) {}

    void begin() {
        ++round_;
        places_.clear();
    }
    void add(size_t at) {
        while (marks_[at] != round_) {
            marks_[at] = round_;
            places_.push_back(at);
            if (at == steps_->size() || (*steps_)[at].may_skip == 0) {
                return;
            }
            at += (*steps_)[at].may_skip;
        }
    }
    bool has_end() const { return marks_[steps_->size()] == round_; }
    const std::vector<size_t>& all() const { return places_; }

  private:
    const std::vector<Step>* steps_;
    std::vector<size_t> marks_;
    std::vector<size_t> places_;
    size_t round_ = 0;
};

}  // namespace

bool template_matches(std::string_view uri_template, std::string_view uri) {
    const std::string_view fixed = uri_template.substr(0, uri_template.find('{'));
    if (!starts_with(uri, fixed)) {
        return false;  // nearly all end here
    }
    const std::optional<std::vector<Step>> steps = steps_of(uri_template);
    if (!steps) {
        return false;
    }
    Places now(*steps);
    Places next(*steps);
    now.begin();
    now.add(0);
    for (const char c : uri) {
        next.begin();
        for (const size_t at : now.all()) {
            if (at < steps->size() && takes((*steps)[at], c)) {
                next.add(at + 1);
                if ((*steps)[at].repeats) {
                    next.add(at);
                }
            }
        }
        std::swap(now, next);
        if (now.all().empty()) {
            return false;
        }
    }
    return now.has_end();
}

}  // namespace neuron
