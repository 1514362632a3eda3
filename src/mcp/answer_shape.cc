// What of an answer depends on whom it is for. Most answers pass as they are.

#include "neurond/mcp/answer_shape.h"

#include <algorithm>
#include <deque>
#include <vector>

#include "neurond/mcp/catalog.h"
#include "neurond/wire/json_splice.h"
#include "neurond/wire/json_view.h"
#include "neurond/wire/json_write.h"
#include "neurond/wire/jsonrpc.h"

namespace neuron {

namespace {

/// Changes to one text, collected in any order.
class Shaper {
  public:
    Shaper(const Call& call, const Slice& body, UriSightings& sightings)
        : call_(call), body_(body), sightings_(sightings) {}

    void replace(const JsonView& value, std::string with) {
        texts_.push_back(std::move(with));
        const auto at = static_cast<size_t>(value.raw().data() - body_.data);
        edits_.push_back({{at, at + value.raw().size()}, texts_.back()});
    }
    void insert_first(const JsonView& object, std::string members) {
        texts_.push_back(std::move(members));
        const auto at = static_cast<size_t>(object.raw().data() - body_.data) + 1;
        edits_.push_back({{at, at}, texts_.back()});
    }
    void uri(const JsonView& value);
    void block(const JsonView& block);
    void result();
    void not_found();
    Slice take();

  private:
    bool client_before(Revision revision) const {
        return call_.request.revision < revision;
    }

    const Call& call_;
    const Slice& body_;
    UriSightings& sightings_;
    std::deque<std::string> texts_;  ///< what the edits put in
    std::vector<Edit> edits_;
};

void Shaper::uri(const JsonView& value) {
    const std::optional<std::string> own = value.as_string();
    if (!own) {
        return;
    }
    const std::string& server = call_.entry->downstream;
    sightings_.saw(server, *own);
    if (!call_.catalog->wraps()) {
        return;
    }
    if (std::string shown = call_.catalog->exposed_uri(server, *own); shown != *own) {
        replace(value, json_quote(shown));
    }
}

std::string text_block(const std::string& text) {
    JsonWriter w;
    w.begin_object().key("type").string("text").key("text").string(text);
    return w.end_object().take();
}

void Shaper::block(const JsonView& block) {
    const JsonView type = block.find("type");
    if (type.is_string("resource_link")) {
        uri(block.find("uri"));
        if (client_before(Revision::k20250618)) {
            const std::string where = block.find("uri").as_string().value_or("");
            edits_.erase(std::remove_if(edits_.begin(), edits_.end(),
                                        [&](const Edit& edit) {
                                            const char* at = body_.data + edit.where.begin;
                                            return at >= block.raw().data() &&
                                                   at < block.raw().data() +
                                                            block.raw().size();
                                        }),
                         edits_.end());
            const std::string name = block.find("name").as_string().value_or("");
            replace(block, text_block(
                               (name.empty() ? "" : name + ": ") +
                               call_.catalog->exposed_uri(call_.entry->downstream, where)));
        }
    } else if (type.is_string("resource")) {
        uri(block.find("resource").find("uri"));
    } else if (type.is_string("audio") && client_before(Revision::k20250326)) {
        const std::string mime = block.find("mimeType").as_string().value_or("audio");
        replace(block, text_block("[" + mime + " left out: this client takes no audio]"));
    }
}

void Shaper::result() {
    const JsonView result(body_.view());
    switch (call_.request.kind) {
        case CallKind::kTool:
            for (const JsonView each : result.find("content").elements()) {
                block(each);
            }
            break;
        case CallKind::kPrompt:
            for (const JsonView message : result.find("messages").elements()) {
                block(message.find("content"));
            }
            break;
        case CallKind::kResource:
            for (const JsonView each : result.find("contents").elements()) {
                uri(each.find("uri"));
            }
            break;
        case CallKind::kCompletePrompt:
        case CallKind::kCompleteResource:
            break;
    }
}

/// -32002 up to 2025-11-25, -32602 with the URI from then on.
void Shaper::not_found() {
    const JsonView error(body_.view());
    const JsonView code = error.find("code");
    const JsonView data = error.find("data");
    const JsonView uri = data.find("uri");
    const auto is = [&code](JsonRpcError known) {
        return code.as_int64() == static_cast<int64_t>(known);
    };
    const bool named = is(JsonRpcError::kInvalidParams) && uri.is_string();
    if (!is(JsonRpcError::kResourceNotFound) && !named) {
        return;
    }
    const bool modern = !is_legacy(call_.request.revision);
    const JsonRpcError wanted =
        modern ? JsonRpcError::kInvalidParams : JsonRpcError::kResourceNotFound;
    if (!is(wanted)) {
        replace(code, std::to_string(static_cast<int>(wanted)));
    }
    const std::string asked = json_quote(call_.request.name);
    if (uri.is_string(call_.entry->own_name) &&
        call_.entry->own_name != call_.request.name) {
        replace(uri, asked);
    } else if (!uri.exists() && data.is_object()) {
        const bool others = data.members().begin() != data.members().end();
        insert_first(data, member_text("uri", asked, others));
    } else if (!data.exists()) {
        insert_first(error, "\"data\":{\"uri\":" + asked + "},");
    }
}

Slice Shaper::take() {
    if (edits_.empty()) {
        return body_;
    }
    std::stable_sort(edits_.begin(), edits_.end(), [](const Edit& a, const Edit& b) {
        return a.where.begin < b.where.begin;
    });
    OutQueue out;
    splice(out, body_, edits_);
    return Slice::copy_of(out.to_string());
}

/// What a server has against neurond's own headers or revision.
std::optional<OwnError> hop_error(const Call& call, std::string_view body) {
    const auto error = read_error_object(body);
    if (!error || (error->code != static_cast<int>(JsonRpcError::kHeaderMismatch) &&
                   error->code != static_cast<int>(JsonRpcError::kUnsupportedVersion))) {
        return std::nullopt;
    }
    const std::string& server = call.entry->downstream;
    return OwnError{JsonRpcError::kInternal,
                    "Downstream '" + server + "' refused neurond's request: " +
                        error->message,
                    "protocol", server, {}};
}

/// Only a client of 2025-11-25 knows that it is to open URLs: those before are asked
/// nothing, those since are asked by results.
std::optional<OwnError> unknown_to_client(const Call& call, std::string_view body) {
    if (call.request.revision == Revision::k20251125 ||
        body.find("-32042") == std::string_view::npos) {
        return std::nullopt;
    }
    const auto error = read_error_object(body);
    if (!error || error->code != static_cast<int>(JsonRpcError::kUrlElicitationRequired)) {
        return std::nullopt;
    }
    const std::string& server = call.entry->downstream;
    return OwnError{JsonRpcError::kInternal,
                    "Downstream '" + server +
                        "' wants a URL opened, which this client cannot: " +
                        error->message,
                    "unavailable", server, {}};
}

/// The few words without which nothing has to change, looked for in all of the text.
bool may_need_shape(const Call& call, std::string_view body) {
    const auto has = [body](std::string_view word) {
        return body.find(word) != std::string_view::npos;
    };
    return has("\"uri\"") || (call.request.revision < Revision::k20250326 && has("audio"));
}

}  // namespace

Answer shape_answer(const Call& call, Answer answer, UriSightings& sightings) {
    if (answer.kind == Answer::Kind::kOwnError || call.entry == nullptr) {
        return answer;
    }
    if (answer.kind == Answer::Kind::kError) {
        for (const auto& find : {hop_error, unknown_to_client}) {
            if (auto own = find(call, answer.body.view()); own) {
                return Answer::failure(std::move(*own));
            }
        }
    }
    Shaper shaper(call, answer.body, sightings);
    const bool read = call.request.kind == CallKind::kResource;
    if (answer.kind == Answer::Kind::kResult) {
        answer.is_read = read;
        if (may_need_shape(call, answer.body.view())) {
            shaper.result();
        }
    } else if (read) {
        shaper.not_found();
    }
    answer.body = shaper.take();
    return answer;
}

}  // namespace neuron
