// What legacy servers ask by requests, in the words of clients that are asked by results.

#include "neurond/mcp/input_shapes.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "neurond/base/crypto.h"
#include "neurond/base/limits.h"
#include "neurond/base/secrets.h"
#include "neurond/wire/json_splice.h"
#include "neurond/wire/json_write.h"
#include "neurond/wire/jsonrpc.h"

namespace neuron {

namespace {

constexpr const char* kElicitation = "elicitation/create";
constexpr const char* kSampling = "sampling/createMessage";

/// The params without what belongs to the hop they came over.
std::string carried_params(const Slice& params) {
    const JsonView view(params.view());
    std::vector<Edit> edits;
    remove_members(edits, params.view(), view, [](const JsonView& key) {
        return key.is_string("task") || key.is_string("elicitationId");
    });
    remove_members(edits, params.view(), view.find("_meta"), [](const JsonView& key) {
        return key.is_string("progressToken");
    });
    std::stable_sort(edits.begin(), edits.end(), [](const Edit& a, const Edit& b) {
        return a.where.begin < b.where.begin;
    });
    OutQueue out;
    splice(out, params, edits);
    return out.to_string();
}

/// `{"NAME":{"MODE":{}}}`
std::string capability(const char* name, const char* mode) {
    JsonWriter w;
    w.begin_object().key(name).begin_object();
    if (mode != nullptr) {
        w.key(mode).begin_object().end_object();
    }
    return w.end_object().end_object().take();
}

/// Adds `json` without the blanks between its tokens.
void hash_tokens(Sha256& sha, std::string_view json) {
    std::string tokens;
    bool in_string = false;
    for (size_t i = 0; i < json.size(); ++i) {
        const char c = json[i];
        if (in_string && c == '\\' && i + 1 < json.size()) {
            tokens += c;
            tokens += json[++i];
            continue;
        }
        in_string = in_string != (c == '"');
        if (in_string || (c != ' ' && c != '\t' && c != '\n' && c != '\r')) {
            tokens += c;
        }
    }
    sha.update(tokens);
}

}  // namespace

Slice write_input_required(const std::vector<Question>& questions,
                           std::string_view state) {
    JsonWriter w;
    w.begin_object().key("resultType").string("input_required");
    w.key("inputRequests").begin_object();
    for (const Question& each : questions) {
        w.key(each.key).begin_object().key("method").string(each.method);
        if (!each.params.empty()) {
            w.key("params").raw(carried_params(each.params));
        }
        w.end_object();
    }
    w.end_object().key("requestState").string(state).end_object();
    return Slice::copy_of(w.take());
}

std::string missing_capabilities(const Question& question, ClientCaps caps) {
    const JsonView params(question.params.view());
    if (question.method == kElicitation) {
        const bool url = params.find("mode").is_string("url");
        const bool declared =
            caps.has(url ? ClientCaps::kElicitationUrl : ClientCaps::kElicitationForm);
        return declared ? "" : capability("elicitation", url ? "url" : "form");
    }
    if (question.method == kSampling) {
        const bool tools =
            params.find("tools").exists() || params.find("toolChoice").exists();
        const bool declared = caps.has(ClientCaps::kSampling) &&
                              (!tools || caps.has(ClientCaps::kSamplingTools));
        return declared ? "" : capability("sampling", tools ? "tools" : nullptr);
    }
    return caps.has(ClientCaps::kRoots) ? "" : capability("roots", nullptr);
}

OwnError missing_capability_error(std::string required, const std::string& server) {
    OwnError out;
    out.code = JsonRpcError::kMissingClientCapability;
    out.message = "Downstream '" + server +
                  "' asks what this client did not declare it can be asked";
    out.required = std::move(required);
    return out;
}

bool is_reply_to(std::string_view method, const JsonView& value) {
    if (!value.is_object()) {
        return false;
    }
    if (method == kElicitation) {
        const JsonView action = value.find("action");
        return action.is_string("accept") || action.is_string("decline") ||
               action.is_string("cancel");
    }
    if (method == kSampling) {
        return value.find("role").is_string() && value.find("content").exists();
    }
    return value.find("roots").is_array();
}

InputReply reply_of_nobody(const Question& question) {
    if (question.method == kElicitation) {
        return {question.key, false, Slice({}, R"({"action":"cancel"})")};
    }
    if (question.method == kSampling) {
        return {question.key, true,
                Slice({}, R"({"code":-1,"message":"The client cannot be asked now"})")};
    }
    return {question.key, false, Slice({}, R"({"roots":[]})")};
}

Answer gave_up(CallKind kind, OwnError why) {
    if (kind != CallKind::kTool) {
        return Answer::failure(std::move(why));
    }
    JsonWriter w;
    w.begin_object().key("content").begin_array();
    w.begin_object().key("type").string("text");
    w.key("text").string(mask_secrets(why.message)).end_object();
    w.end_array().key("isError").boolean(true).end_object();
    return Answer::result(Slice::copy_of(w.take()));
}

std::vector<Question> read_url_elicitations(const Slice& error) {
    const JsonView view(error.view());
    std::vector<Question> out;
    if (view.find("code").as_int64() !=
        static_cast<int64_t>(JsonRpcError::kUrlElicitationRequired)) {
        return out;
    }
    for (const JsonView each : view.find("data").find("elicitations").elements()) {
        const bool known = each.find("mode").is_string("url") &&
                           each.find("url").is_string() &&
                           each.find("message").is_string();
        if (known && out.size() < kMaxOpenQuestions) {
            out.push_back({"u" + std::to_string(out.size() + 1), kElicitation,
                           Slice::copy_of(each.raw())});
        }
    }
    return out;
}

std::string call_digest(const CallRequest& request) {
    Sha256 sha;
    JsonWriter w;
    w.begin_array().string(request.method).string(request.name);
    w.string(request.view.space).boolean(request.view.strict).end_array();
    sha.update(w.take());
    const std::string_view arguments = request.arguments.in(request.text.view());
    hash_tokens(sha, arguments.empty() ? "{}" : arguments);
    return sha.finish();
}

}  // namespace neuron
