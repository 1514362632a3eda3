// Servers' questions on their way to legacy clients: who can be asked what, and which
// answer belongs to which question.

#include "neurond/mcp/client_questions.h"

#include <algorithm>

#include "neurond/base/crypto.h"
#include "neurond/base/take_first.h"
#include "neurond/wire/json_splice.h"
#include "neurond/wire/json_view.h"
#include "neurond/wire/json_write.h"
#include "neurond/wire/jsonrpc.h"

namespace neuron {

namespace {

std::string error_object(JsonRpcError code, std::string_view message) {
    JsonWriter w;
    w.begin_object().key("code").integer(static_cast<int>(code));
    return w.key("message").string(message).end_object().take();
}

std::string undeclared(std::string_view what) {
    return error_object(JsonRpcError::kMethodNotFound,
                        "The client did not declare " + std::string(what));
}

std::string unknown_mode(std::string_view what) {
    return error_object(JsonRpcError::kInvalidParams,
                        "The client did not declare " + std::string(what));
}

std::optional<std::string> refuse_elicitation(const JsonView& params, ClientCaps caps,
                                              Revision revision) {
    const bool form = caps.has(ClientCaps::kElicitationForm);
    const bool url = caps.has(ClientCaps::kElicitationUrl);
    if (revision < Revision::k20250618 || !(form || url)) {
        return undeclared("elicitation");
    }
    if (params.find("mode").is_string("url")) {
        return url && revision >= Revision::k20251125
                   ? std::nullopt
                   : std::optional(unknown_mode("elicitation.url"));
    }
    return form ? std::nullopt : std::optional(unknown_mode("elicitation.form"));
}

std::optional<std::string> refuse_sampling(const JsonView& params, ClientCaps caps) {
    if (!caps.has(ClientCaps::kSampling)) {
        return undeclared("sampling");
    }
    const bool tools = params.find("tools").exists() || params.find("toolChoice").exists();
    return tools && !caps.has(ClientCaps::kSamplingTools)
               ? std::optional(unknown_mode("sampling.tools"))
               : std::nullopt;
}

}  // namespace

std::optional<std::string> refuse_question(const Question& question, ClientCaps caps,
                                           Revision revision) {
    const JsonView params(question.params.view());
    if (question.method == "elicitation/create") {
        return refuse_elicitation(params, caps, revision);
    }
    if (question.method == "sampling/createMessage") {
        return refuse_sampling(params, caps);
    }
    if (question.method == "roots/list") {
        return caps.has(ClientCaps::kRoots) ? std::nullopt
                                            : std::optional(undeclared("roots"));
    }
    return error_object(JsonRpcError::kMethodNotFound, "Method not found");
}

bool can_be_asked(const InputRound& round, ClientCaps caps, Revision revision) {
    return std::none_of(round.questions.begin(), round.questions.end(),
                        [&](const Question& each) {
                            return refuse_question(each, caps, revision).has_value();
                        });
}

void write_question(OutQueue& out, std::string_view id_raw, const Question& question) {
    if (question.params.empty()) {
        write_request(out, id_raw, question.method, std::string_view());
        return;
    }
    const Span all{0, question.params.size};
    const JsonView params(question.params.view());
    std::vector<Edit> edits;
    std::string minted;
    if (question.method == "elicitation/create" && params.find("mode").is_string("url") &&
        !params.find("elicitationId").exists()) {
        // Modern servers know none, and 2025-11-25 clients want one.
        minted = member_text("elicitationId", json_quote(uuid_v4()), true);
        edits.push_back({front_of_object(all), minted});
    }
    const JsonView token = params.find("_meta").find("progressToken");
    if (token.exists()) {
        const auto at = static_cast<size_t>(token.raw().data() - params.raw().data());
        edits.push_back({{at, at + token.raw().size()}, id_raw});
    }
    write_request(out, id_raw, question.method, JsonBody{question.params, all, edits});
}

void write_question_cancelled(OutQueue& out, std::string_view id_raw) {
    JsonWriter w;
    w.begin_object().key("requestId").raw(id_raw);
    w.key("reason").string("no longer needed").end_object();
    write_notification(out, "notifications/cancelled", w.take());
}

std::optional<ReplyProgress> read_reply_progress(const JsonRpcMessage& message,
                                                 const JsonScanner& scan,
                                                 const Slice& text) {
    const Span token = find(scan.params_members(), text.view(), "progressToken");
    if (token.empty()) {
        return std::nullopt;
    }
    const size_t base = message.params.begin;
    const Span within{token.begin - base, token.end - base};
    return ReplyProgress{token.in(text.view()),
                         {{}, false, text.part(message.params.in(text.view())), within}};
}

const ClientQuestions::Open& ClientQuestions::add(uint64_t tag, const std::string& key,
                                                  uint64_t number) {
    open_.push_back({"\"n" + std::to_string(number) + "\"", tag, key});
    return open_.back();
}

std::vector<InputReply> ClientQuestions::ask(
    uint64_t tag, const InputRound& round, ClientCaps caps, Revision revision,
    uint64_t& asked, const std::function<void(OutQueue&&)>& say) {
    std::vector<InputReply> refused;
    for (const Question& question : round.questions) {
        if (const auto error = refuse_question(question, caps, revision); error) {
            refused.push_back({question.key, true, Slice::copy_of(*error)});
            continue;
        }
        OutQueue message;
        write_question(message, add(tag, question.key, ++asked).id_raw, question);
        say(std::move(message));
    }
    return refused;
}

std::optional<ClientQuestions::Open> ClientQuestions::take(std::string_view id_raw) {
    return take_first(
        open_, [&](const Open& each) { return same_id(each.id_raw, id_raw); });
}

std::optional<ClientQuestions::Open> ClientQuestions::of(std::string_view id_raw,
                                                         const InputReply& reply) {
    if (!reply.is_progress()) {
        return take(id_raw);
    }
    const auto found = std::find_if(open_.begin(), open_.end(), [&](const Open& each) {
        return same_id(each.id_raw, id_raw);
    });
    return found != open_.end() ? std::optional(*found) : std::nullopt;
}

std::optional<ClientQuestions::Open> ClientQuestions::take(uint64_t tag,
                                                           const std::string& key) {
    const auto found = std::find_if(open_.begin(), open_.end(), [&](const Open& each) {
        return each.tag == tag && each.key == key;
    });
    return found == open_.end() ? std::nullopt : take(std::string(found->id_raw));
}

std::vector<ClientQuestions::Open> ClientQuestions::take_all(uint64_t tag) {
    std::vector<Open> taken;
    for (const Open& each : open_) {
        if (each.tag == tag) {
            taken.push_back(each);
        }
    }
    open_.erase(std::remove_if(open_.begin(), open_.end(),
                               [tag](const Open& each) { return each.tag == tag; }),
                open_.end());
    return taken;
}

}  // namespace neuron
