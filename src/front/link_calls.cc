// The calls of one client that talks over a link: many at a time, answered in the order
// in which their servers do.

#include "neurond/front/link_calls.h"

#include <algorithm>
#include <utility>

#include "neurond/base/limits.h"

namespace neuron {

namespace {

/// A small message is copied out of a block that may be much larger.
Slice to_keep(const Slice& text) {
    return text.size < kSmallBytes ? Slice::copy_of(text.view()) : text;
}

}  // namespace

LinkCalls::LinkCalls(Router& router, const LinkPeer& peer, LinkVoice& voice,
                     LinkCallsOwner& owner)
    : router_(router),
      peer_(peer),
      voice_(voice),
      owner_(owner),
      registration_(router.parties().askers, *this) {}

LinkCalls::~LinkCalls() = default;

std::string LinkCalls::party() const {
    const AskerHandle handle = registration_.handle();
    return "line:" + std::to_string(handle.slot) + ":" +
           std::to_string(handle.generation);
}

uint64_t LinkCalls::add_item(std::string_view id_raw, const Door& door) {
    const uint64_t tag = ++last_tag_;
    Item& item = items_[tag];
    item.id_raw = id_raw;
    item.door = &door;
    item.batch = batch_now_;
    if (batch_now_ != 0) {
        ++batches_[batch_now_].open;
    }
    return tag;
}

void LinkCalls::call(std::string_view id_raw, const Door& door, CallRequest request,
                     std::string request_id) {
    const uint64_t tag = add_item(id_raw, door);
    Item& item = items_[tag];
    item.token_raw = request.progress_token.in(request.text.view());
    item.request_id = std::move(request_id);
    static_cast<Requester&>(request) = peer_.requester(door, request.caps);
    request.text = to_keep(request.text);
    request.view = peer_.view;
    request.revision = door.modern() ? Revision::k20260728 : *peer_.revision;
    if (!door.modern()) {
        request.log_level = peer_.log_level;
    }
    request.request_id = item.request_id;
    request.asker = registration_.handle();
    request.tag = tag;
    item.call = router_.submit(std::move(request));
}

void LinkCalls::subscribe(std::string_view id_raw, const Door& door, Subscriber& news,
                          const std::string& uri, std::string request_id) {
    const uint64_t tag = add_item(id_raw, door);
    items_[tag].request_id = std::move(request_id);
    if (const auto known = news.subscribe(uri, registration_.handle(), tag,
                                          items_[tag].request_id);
        known) {
        answer_item(tag, *known);
    }
}

/// What a client with a server of its own sees is not known before that has started.
void LinkCalls::list(std::string_view id_raw, const Door& door, DoorRequest asked) {
    const Requester who = peer_.requester(door, asked.call.caps);
    const uint64_t tag = add_item(id_raw, door);
    items_[tag].list = std::move(asked);
    if (router_.own_lists().ready(peer_.view, who)) {
        on_lists_ready(tag);
    } else {
        router_.own_lists().wait(peer_.view, who, registration_.handle(), tag);
    }
}

void LinkCalls::on_lists_ready(uint64_t tag) {
    const auto item = items_.find(tag);
    if (item == items_.end()) {
        return;
    }
    const Door& door = *item->second.door;
    const DoorRequest& asked = item->second.list;
    const Requester who = peer_.requester(door, asked.call.caps);
    OutQueue answer;
    door.write_list(answer, item->second.id_raw, asked,
                    router_.viewer(peer_.view, who), router_.rules().lists);
    if (!door.modern() && !asked.cursor) {
        owner_.on_list_shown(asked.list);
    }
    end_item(item, std::move(answer));
}

/// The asker of a call that is taken back gets no answer, in a batch neither.
void LinkCalls::cancel(std::string_view id_raw) {
    const auto found = std::find_if(
        items_.begin(), items_.end(),
        [&](const auto& each) { return same_id(each.second.id_raw, id_raw); });
    if (found == items_.end()) {
        return;
    }
    const CallHandle call = found->second.call;
    const uint64_t batch = found->second.batch;
    for (const ClientQuestions::Open& each : questions_.take_all(found->first)) {
        send_question_cancelled(each.id_raw);
    }
    items_.erase(found);
    router_.cancel(call);
    answered(batch);
    owner_.on_call_over();
}

void LinkCalls::drop() {
    batches_.clear();
    questions_.take_all();
    for (const auto& [tag, item] : std::exchange(items_, {})) {
        router_.cancel(item.call);
    }
}

void LinkCalls::on_notice(uint64_t tag, const Notice& notice) {
    const auto item = items_.find(tag);
    if (item == items_.end() || voice_.congested()) {
        return;  // of all there is to say, progress may be dropped first
    }
    OutQueue message;
    write_notice(message, notice, item->second.token_raw);
    voice_.say(std::move(message));
}

// --- questions -----------------------------------------------------------------------

/// A modern client is asked by an answer, a legacy one by requests. One that does not
/// read is not asked more.
InputOutcome LinkCalls::on_input(uint64_t tag, const InputRound& round) {
    const auto item = items_.find(tag);
    if (item == items_.end() || voice_.congested() || peer_.ending) {
        return InputOutcome::kRefused;
    }
    if (item->second.door->modern()) {
        return pass_on(tag, round);
    }
    if (!round.result.empty() && !can_be_asked(round, peer_.caps, *peer_.revision)) {
        return InputOutcome::kRefused;
    }
    const CallHandle call = item->second.call;
    const std::vector<InputReply> refused =
        questions_.ask(tag, round, peer_.caps, *peer_.revision, asked_,
                       [this](OutQueue&& message) { voice_.say(std::move(message)); });
    for (const InputReply& each : refused) {
        router_.reply(call, each);
    }
    return InputOutcome::kAsked;
}

InputOutcome LinkCalls::pass_on(uint64_t tag, const InputRound& round) {
    if (round.result.empty()) {
        return InputOutcome::kRefused;
    }
    answer_item(tag, Answer::result(round.result));
    return InputOutcome::kPassedOn;
}

void LinkCalls::on_input_withdrawn(uint64_t tag, const std::string& key) {
    if (const auto asked = questions_.take(tag, key); asked) {
        send_question_cancelled(asked->id_raw);
    }
}

void LinkCalls::send_question_cancelled(const std::string& id_raw) {
    OutQueue message;
    write_question_cancelled(message, id_raw);
    voice_.say(std::move(message));
}

void LinkCalls::withdraw_questions() {
    const Slice error({}, R"({"code":-32603,"message":"The client has gone"})");
    for (const ClientQuestions::Open& each : questions_.take_all()) {
        if (const auto item = items_.find(each.tag); item != items_.end()) {
            router_.reply(item->second.call, {each.key, true, error});
        }
    }
}

void LinkCalls::reply(std::string_view id_raw, InputReply reply) {
    const auto asked = questions_.of(id_raw, reply);
    const auto item = asked ? items_.find(asked->tag) : items_.end();
    if (item != items_.end()) {
        reply.key = asked->key;
        router_.reply(item->second.call, reply);
    }
}

// --- answers -------------------------------------------------------------------------

void LinkCalls::on_answer(uint64_t tag, const Answer& answer) {
    answer_item(tag, answer);
}

void LinkCalls::answer_item(uint64_t tag, const Answer& answer) {
    const auto item = items_.find(tag);
    if (item == items_.end()) {
        return;
    }
    OutQueue message;
    item->second.door->write_answer(message, item->second.id_raw, answer,
                                    item->second.request_id);
    end_item(item, std::move(message));
}

void LinkCalls::end_item(std::map<uint64_t, Item>::iterator item, OutQueue&& answer) {
    const uint64_t batch = item->second.batch;
    items_.erase(item);
    say(std::move(answer), batch);
    answered(batch);
    owner_.on_call_over();
}

void LinkCalls::begin_batch() {
    batch_now_ = ++last_batch_;
    batches_[batch_now_].open = 1;
}

void LinkCalls::end_batch() {
    answered(std::exchange(batch_now_, 0));
    owner_.on_call_over();
}

void LinkCalls::say(OutQueue&& message, uint64_t batch) {
    if (batch == 0) {
        voice_.say(std::move(message));
        return;
    }
    OutQueue& answers = batches_[batch].answers;
    answers.write(answers.empty() ? "[" : ",");
    answers.append(std::move(message));
}

/// One request of the batch less to wait for.
void LinkCalls::answered(uint64_t batch) {
    const auto found = batches_.find(batch);
    if (found == batches_.end() || --found->second.open > 0) {
        return;
    }
    OutQueue answers = std::move(found->second.answers);
    batches_.erase(found);
    if (!answers.empty()) {
        answers.write("]");
        voice_.say(std::move(answers));
    }
}

}  // namespace neuron
