// Messages on their way to one server. What they mean is the leg's to write; which header
// fields go with them the carrier must be told.

#include "neurond/back/server_voice.h"

#include "neurond/mcp/leg_legacy.h"
#include "neurond/mcp/param_headers.h"

namespace neuron {

void ServerVoice::transmit(OutQueue&& message, Outgoing about) {
    about.revision = hello_.revision;
    carrier_->send(std::move(message), about);
}

uint64_t ServerVoice::request(PendingRequests::Kind kind, std::string_view method,
                              const Write& write) {
    OutQueue message;
    Outgoing about;
    about.id = pending_.add(kind);
    about.method = method;
    write(message, about.id);
    transmit(std::move(message), about);
    return about.id;
}

void ServerVoice::call(Call& call, std::string_view more) {
    // Of callers without a session any two may be of different clients.
    const std::string party =
        call.request.takes_questions
            ? call.request.party
            : "call " + std::to_string(call.handle.slot) + " " + call.request.request_id;
    call.leg_id = pending_.add(PendingRequests::Kind::kCall, call.handle, party);
    call.stage = Call::Stage::kSent;
    call.sent = monotonic_now();
    call.server = hello_.revision;
    OutQueue message;
    leg_of(hello_.revision).write_call(message, call.leg_id, call, more);
    Outgoing about;
    about.id = call.leg_id;
    about.method = call.request.method;
    if (call.request.kind <= CallKind::kResource) {
        about.name = call.entry->own_name;
    }
    const auto fields = call_headers(call, http_ && !is_legacy(hello_.revision));
    about.fields = &fields;
    transmit(std::move(message), about);
}

void ServerVoice::answer(OutQueue&& message) {
    Outgoing about;
    about.kind = Outgoing::Kind::kAnswer;
    transmit(std::move(message), about);
}

void ServerVoice::notify(OutQueue&& message, std::string_view method) {
    Outgoing about;
    about.kind = Outgoing::Kind::kNotification;
    about.method = method;
    transmit(std::move(message), about);
}

void ServerVoice::initialized() {
    OutQueue message;
    write_initialized(message);
    notify(std::move(message), "notifications/initialized");
}

void ServerVoice::roots_changed() {
    const char* const method = "notifications/roots/list_changed";
    OutQueue message;
    write_notification(message, method, std::string_view());
    notify(std::move(message), method);
}

void ServerVoice::cancel(uint64_t id, std::string_view reason) {
    pending_.erase(id);
    carrier_->forget(id);
    OutQueue message;
    write_cancelled(message, id, reason);
    notify(std::move(message), "notifications/cancelled");
}

}  // namespace neuron
