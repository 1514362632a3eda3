#ifndef NEUROND_WIRE_JSON_SPLICE_H
#define NEUROND_WIRE_JSON_SPLICE_H

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "neurond/base/block.h"
#include "neurond/base/out_queue.h"
#include "neurond/wire/json_span.h"
#include "neurond/wire/json_view.h"

namespace neuron {

/// Put `with` where `where` is. An empty `where` inserts; an empty `with` removes.
/// `with` is not owned.
struct Edit {
    Span where;
    std::string_view with;
};

/// Queues `part` of `text` with the edits made. All offsets count from the beginning of
/// `text`; the edits lie inside `part`, ascend and do not overlap (an insertion may stand
/// right in front of a replacement). Large untouched stretches are shared, not copied.
void splice(OutQueue& out, const Slice& text, Span part,
            const std::vector<Edit>& sorted_edits);
/// The same for the whole text.
void splice(OutQueue& out, const Slice& text, const std::vector<Edit>& sorted_edits);

/// The place behind the `{` of `object`, where a member can be inserted.
Span front_of_object(Span object) noexcept;
/// What to insert there: `"key":value`, with a comma when a member follows it.
std::string member_text(std::string_view key, std::string_view raw_value,
                        bool member_follows);

/// Appends the edits that remove some members of one object, commas included, whatever
/// lies beside them. `gone` are ascending indexes into `members`, which are all of the
/// object's, in order.
void remove_members(std::vector<Edit>& edits, const JsonMembers& members,
                    const std::vector<size_t>& gone);

/// The same for the members of `object` whose keys `gone` picks. Offsets count from
/// `text`, in which `object` lies.
void remove_members(std::vector<Edit>& edits, std::string_view text, const JsonView& object,
                    const std::function<bool(const JsonView& key)>& gone);

/// Overwrites the raw line feeds and carriage returns of a valid JSON text by spaces, so
/// that it can go out on one line (NDJSON, SSE). In valid JSON they stand only between
/// tokens, so the value stays the same and every span stays right. To be done once, on
/// arrival, by the sole owner of the bytes, when JsonScanner::has_line_breaks().
void blank_line_breaks(char* text, size_t size) noexcept;

}  // namespace neuron

#endif
