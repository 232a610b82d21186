#include "cairn/readers/pictures.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <set>

#include "cairn/base/hash.h"
#include "cairn/base/parallel.h"
#include "cairn/data/compressed_input.h"
#include "cairn/image/picture.h"
#include "cairn/readers/tar_internal.h"

namespace cairn {
namespace {

namespace fs = std::filesystem;
using namespace readers_detail;

constexpr std::int64_t kMixedSide = 64, kLongestSide = 160;

// One picture of the collection. Its bytes come from a file, or lie in the archive.
struct Item {
  std::string name;  // within the collection: "cats/3.jpg"
  std::string path;  // of the file; empty in an archive
  std::string_view content;
  std::string label;
  bool test = false, alone = false;
};

struct Collection {
  std::vector<Item> items;
  InputBytes archive;
  std::int64_t other_files = 0;
  bool labelled = false, parts = false;
};

// The bytes of an item, for as long as this lives.
class ItemBytes {
 public:
  explicit ItemBytes(const Item& item) : view_(item.content) {
    if (item.path.empty()) return;
    input_ = open_input(item.path);
    view_ = input_.bytes();
  }
  std::string_view bytes() const { return view_; }

 private:
  InputBytes input_;
  std::string_view view_;
};

std::vector<std::string> components(const std::string& name) {
  std::vector<std::string> parts;
  for (const fs::path& part : fs::path(name).relative_path())
    if (part != "." && part != "") parts.push_back(part.string());
  return parts;
}

enum class Part : std::uint8_t { none, train, test };
Part part_of(std::string folder) {
  for (char& c : folder) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (folder == "train" || folder == "training") return Part::train;
  if (folder == "test" || folder == "testing" || folder == "val" || folder == "valid" ||
      folder == "validation")
    return Part::test;
  return Part::none;
}

// Classes and parts from where the pictures stand. A folder that holds everything is passed over.
void place(Collection& c) {
  std::vector<std::vector<std::string>> where;
  for (const Item& item : c.items) where.push_back(components(item.name));
  const auto all = [&](auto&& holds) { return std::ranges::all_of(where, holds); };
  while (!where.empty() && where[0].size() >= 3 && part_of(where[0][0]) == Part::none &&
         all([&](const auto& w) { return w.size() >= 3 && w[0] == where[0][0]; }))
    for (auto& w : where) w.erase(w.begin());
  const bool in_parts =
      !where.empty() && all([](const auto& w) { return w.size() >= 2 && part_of(w[0]) != Part::none; });
  bool train = false, test = false;
  for (std::size_t i = 0; i < where.size(); ++i) {
    auto& w = where[i];
    if (in_parts) {
      c.items[i].test = part_of(w[0]) == Part::test;
      (c.items[i].test ? test : train) = true;
      w.erase(w.begin());
    }
    if (w.size() >= 2) c.items[i].label = w[0];
    c.labelled = c.labelled || w.size() >= 2;
  }
  c.parts = train && test;
  if (!c.parts)
    for (Item& item : c.items) item.test = false;
}

bool hidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

std::string first_bytes_of(const std::string& path) {
  constexpr std::size_t kEnough = 16;
  std::ifstream file(path, std::ios::binary);
  std::string bytes(kEnough, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(kEnough));
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  return bytes;
}

bool looks_like_picture_file(const fs::path& path) {
  std::string ending = path.extension().string();
  for (char& c : ending) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return ending == ".jpg" || ending == ".jpeg" || ending == ".png";
}

Collection collect_folder(const std::string& root, const StopToken& stop) {
  Collection c;
  std::set<std::string> folders, filled;
  std::error_code error;
  for (fs::recursive_directory_iterator it(root, fs::directory_options::follow_directory_symlink, error), end;
       !error && it != end; it.increment(error)) {
    stop.throw_if_requested("reading");
    constexpr int kDeepest = 20;
    if (hidden(it->path()) || it.depth() > kDeepest) {
      it.disable_recursion_pending();
      continue;
    }
    const std::string name = it->path().lexically_relative(root).generic_string();
    if (it->is_directory(error)) {
      folders.insert(name);
    } else if (it->is_regular_file(error)) {
      // A file that is called a picture and is none is told, not passed over.
      if (is_picture(first_bytes_of(it->path().string())) || looks_like_picture_file(it->path())) {
        c.items.push_back({.name = name, .path = it->path().string()});
        for (fs::path above = fs::path(name).parent_path(); !above.empty(); above = above.parent_path())
          filled.insert(above.generic_string());
      } else {
        ++c.other_files;
      }
    }
  }
  if (error) throw FileError(root, "cannot be read: " + error.message());
  std::ranges::sort(c.items, {}, &Item::name);
  for (const std::string& folder : folders)
    if (!c.items.empty() && !filled.contains(folder))
      throw DataError(fmt::format("{}/{}", root, folder), "is a class folder without a picture",
                      "Put JPEG or PNG files into it, or remove it.");
  if (c.items.empty())
    throw DataError(root,
                    fmt::format("holds no picture and no data that are known{}",
                                c.other_files > 0 ? fmt::format(" ({} other files)", c.other_files) : ""),
                    "Pictures are JPEG or PNG files in one sub-folder a class; of tables, name one file.");
  return c;
}

// Of bytes that are read already: what came through a pipe comes once.
Collection collect_tar(InputBytes archive, const std::string& path) {
  Collection c;
  c.archive = std::move(archive);
  for (TarMember& m : tar_members(c.archive.bytes(), path)) {
    if (hidden(m.name)) continue;
    if (is_picture(m.content) || looks_like_picture_file(m.name))
      c.items.push_back({.name = std::move(m.name), .content = m.content});
    else
      ++c.other_files;
  }
  if (c.items.empty()) throw DataError(path, "is a tar archive without a picture", "JPEG and PNG are read.");
  std::ranges::stable_sort(c.items, {}, &Item::name);
  return c;
}

struct Form {
  std::int64_t height = 0, width = 0;
  int channels = 0;
};

std::int64_t number_argument(const std::string& text, const char* argument, std::int64_t most) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 1 || value > most)
    throw UsageError(argument, fmt::format("'{}' is no number from 1 to {}", text, most),
                     "Such as size=64 or size=48x64.");
  return value;
}

Form asked_form(const ReadOptions& options) {
  constexpr std::int64_t kMostSide = 4096;
  Form form;
  if (const auto it = options.arguments.find("size"); it != options.arguments.end()) {
    const auto cross = it->second.find('x');
    form.height = number_argument(it->second.substr(0, cross), "size", kMostSide);
    form.width = cross == std::string::npos
                     ? form.height
                     : number_argument(it->second.substr(cross + 1), "size", kMostSide);
  }
  if (const auto it = options.arguments.find("channels"); it != options.arguments.end()) {
    if (it->second != "1" && it->second != "3")
      throw UsageError("channels", fmt::format("'{}' is neither 1 nor 3", it->second));
    form.channels = it->second == "1" ? 1 : 3;
  }
  if (options.schema)
    for (const ColumnSpec& spec : options.schema->columns)
      if (spec.kind == ColumnKind::image && spec.name == "image")
        form = {spec.shape[0], spec.shape[1], static_cast<int>(spec.shape[2])};
  return form;
}

// What went wrong with single pictures: the first by its place, and how many.
class Failures {
 public:
  void add(std::int64_t place, std::exception_ptr what) {
    const std::lock_guard lock(mutex_);
    ++count_;
    if (!first_ || place < place_) {
      place_ = place;
      first_ = std::move(what);
    }
  }
  void raise() const {
    if (!first_) return;
    if (count_ == 1) std::rethrow_exception(first_);
    try {
      std::rethrow_exception(first_);
    } catch (const ResourceError& e) {
      throw ResourceError(e.where(), also(e), e.hint());
    } catch (const DataError& e) {
      throw DataError(e.where(), also(e), e.hint());
    }
  }

 private:
  std::string also(const Error& e) const {
    return fmt::format("{}; {} more picture{} cannot be read either", e.message(), count_ - 1,
                       count_ == 2 ? "" : "s");
  }
  std::mutex mutex_;
  std::exception_ptr first_;
  std::int64_t place_ = 0, count_ = 0;
};

// Where a person finds it: a file, "pets.tar:cats/1.png", or the one picture that was named.
std::string place_of(const Item& item, const std::string& root) {
  if (!item.path.empty()) return item.path;
  return item.alone ? item.name : root + ":" + item.name;
}

template <class F>
void over_items(const Collection& c, const std::string& root, const ReadOptions& options, F&& use) {
  Failures failures;
  parallel_for(
      std::ssize(c.items), 16,
      [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
          const Item& item = c.items[static_cast<std::size_t>(i)];
          try {
            const ItemBytes bytes(item);
            use(i, bytes.bytes(), place_of(item, root));
          } catch (const Interrupted&) {
            throw;
          } catch (const Error&) {
            failures.add(i, std::current_exception());
          }
        }
      },
      options.stop);
  failures.raise();
}

std::string colours(int channels) { return channels == 1 ? "shades of grey" : "colours"; }

// The form of all pictures, from their headers and what was asked for; `result` tells what was decided.
Form common_form(const std::vector<PictureFacts>& facts, const ReadOptions& options, ReadResult& result) {
  Form form = asked_form(options);
  const bool chosen = form.height == 0;
  const PictureFacts& first = facts[0];
  const bool one_size = std::ranges::all_of(
      facts, [&](const PictureFacts& f) { return f.height == first.height && f.width == first.width; });
  const bool any_colour = std::ranges::any_of(facts, [](const PictureFacts& f) { return f.channels == 3; });
  if (form.channels == 0) form.channels = any_colour ? 3 : 1;
  const std::int64_t longest = std::max(first.height, first.width);
  if (chosen && !one_size) {
    form.height = form.width = kMixedSide;
  } else if (chosen) {
    const double share =
        longest > kLongestSide ? static_cast<double>(kLongestSide) / static_cast<double>(longest) : 1;
    const auto scaled = [&](std::int64_t side) {
      return std::max<std::int64_t>(
          1, static_cast<std::int64_t>(std::lround(static_cast<double>(side) * share)));
    };
    form.height = scaled(first.height);
    form.width = scaled(first.width);
  }
  const auto differs = [&](const PictureFacts& f) {
    return f.height != form.height || f.width != form.width;
  };
  const auto others = std::ranges::count_if(facts, differs);
  if (others > 0) {
    std::int64_t low_h = first.height, high_h = first.height, low_w = first.width, high_w = first.width;
    for (const PictureFacts& f : facts) {
      low_h = std::min(low_h, f.height);
      high_h = std::max(high_h, f.height);
      low_w = std::min(low_w, f.width);
      high_w = std::max(high_w, f.width);
    }
    const std::string from =
        one_size ? fmt::format("are {} x {} pixels", first.width, first.height)
                 : fmt::format("are from {} x {} to {} x {} pixels", low_w, low_h, high_w, high_h);
    result.warnings.push_back({"pictures_resized", "image",
                               fmt::format("The {} pictures {} and were made {} x {}{}.", facts.size(), from,
                                           form.width, form.height,
                                           options.schema ? ", as the model was trained"
                                           : chosen       ? "; 'pictures:DATA?size=96' asks for another size"
                                                          : "")});
  }
  result.guesses.push_back(
      fmt::format("pictures: {} x {} pixels, {}", form.width, form.height, colours(form.channels)));
  return form;
}

void check_memory(const Form& form, std::size_t count, const ReadOptions& options, const std::string& path) {
  const double bytes =
      static_cast<double>(count) * static_cast<double>(form.height * form.width * form.channels);
  const double most = options.max_memory > 0 ? static_cast<double>(options.max_memory) : 16e9;
  if (bytes > most)
    throw ResourceError(path,
                        fmt::format("{} pictures of {} x {} take {:.1f} GB of memory; the limit is {:.1f} GB",
                                    count, form.width, form.height, bytes / 1e9, most / 1e9),
                        "'pictures:DATA?size=64' makes them smaller; --max-memory raises the limit.");
}

Table table_of(const Collection& c, const Tensor& pixels, std::span<const std::int64_t> rows) {
  std::vector<std::string> files;
  std::vector<std::optional<std::string>> labels;
  for (const std::int64_t r : rows) {
    const Item& item = c.items[static_cast<std::size_t>(r)];
    files.push_back(item.name);
    labels.push_back(item.label.empty() ? std::nullopt : std::optional(item.label));
  }
  std::vector<Column> columns{Column::text("file", files), Column::image("image", pixels).select(rows)};
  if (c.labelled) columns.push_back(Column::category_of("label", labels));
  return Table(std::move(columns));
}

bool has_picture(const std::string& folder) {
  std::error_code error;
  constexpr int kEnough = 10'000;
  int looked_at = 0;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end && ++looked_at < kEnough;
       it.increment(error))
    if (it->is_regular_file(error) && !hidden(it->path()) &&
        (looks_like_picture_file(it->path()) || is_picture(first_bytes_of(it->path().string()))))
      return true;
  return false;
}

}  // namespace

ReadResult read_pictures(const std::string& source, const ReadOptions& options) {
  std::error_code error;
  Collection c;
  const std::string path = source == "-" ? "standard input" : source;
  if (fs::is_directory(source, error)) {
    c = collect_folder(source, options.stop);
  } else {
    InputLimits limits;
    if (options.max_memory > 0) limits.max_bytes = options.max_memory;
    InputBytes input = open_input(source, limits, options.stop);
    if (is_tar(input.bytes())) {
      c = collect_tar(std::move(input), path);
    } else {
      c.archive = std::move(input);
      c.items.push_back({.name = path, .content = c.archive.bytes(), .alone = true});
    }
  }
  if (c.items.size() > 1 || fs::is_directory(source, error)) place(c);
  ReadResult result;
  std::vector<PictureFacts> facts(c.items.size());
  over_items(c, path, options, [&](std::int64_t i, std::string_view bytes, const std::string& name) {
    facts[static_cast<std::size_t>(i)] = picture_facts(bytes, name);
  });
  const Form form = common_form(facts, options, result);
  check_memory(form, c.items.size(), options, path);
  Tensor pixels = Tensor::empty({std::ssize(c.items), form.height, form.width, form.channels}, DType::u8);
  auto* to = pixels.mutable_data<std::uint8_t>().data();
  const auto length = static_cast<std::size_t>(form.height * form.width * form.channels);
  std::vector<std::string> digests(options.sha256 ? c.items.size() : 0);
  if (options.progress) options.progress->begin("reading " + path, std::ssize(c.items));
  over_items(c, path, options, [&](std::int64_t i, std::string_view bytes, const std::string& name) {
    const Tensor picture = resized(decode_picture(bytes, name, form.channels), form.height, form.width);
    std::ranges::copy(picture.data<std::uint8_t>(), to + static_cast<std::size_t>(i) * length);
    if (options.sha256) digests[static_cast<std::size_t>(i)] = sha256_hex(bytes);
    if (options.progress) options.progress->advance(1);
  });
  if (options.progress) options.progress->end();
  if (options.sha256) {
    Sha256 hash;
    for (std::size_t i = 0; i < c.items.size(); ++i)
      hash.update(c.items[i].name + '\x1f' + digests[i] + '\x1e');
    result.sha256 = to_hex(hash.finish());
  }
  std::vector<std::int64_t> train, test;
  for (std::size_t i = 0; i < c.items.size(); ++i)
    (c.items[i].test ? test : train).push_back(static_cast<std::int64_t>(i));
  result.table = table_of(c, pixels, train);
  if (c.parts) {
    result.test = table_of(c, pixels, test);
    result.guesses.push_back(fmt::format("test rows: {} in a folder of their own", test.size()));
  }
  if (c.labelled) result.target = "label";
  result.id = {"file"};
  if (c.other_files > 0)
    result.warnings.push_back({"other_files", "",
                               fmt::format("{} file{} that {} no picture {} passed over.", c.other_files,
                                           c.other_files == 1 ? "" : "s", c.other_files == 1 ? "is" : "are",
                                           c.other_files == 1 ? "was" : "were")});
  result.schema = Schema::of(result.table);
  return result;
}

const Reader kPicturesReader = {
    .name = "pictures",
    .doc =
        "JPEG and PNG: one picture, a folder or a tar of them; a sub-folder is a class, train/ and test/ are "
        "parts.",
    .sniff = [](std::string_view bytes) { return is_picture(bytes) || is_tar(bytes); },
    .read = &read_pictures,
    .sniff_folder = &has_picture,
    .arguments = {"size", "channels"},
};

}  // namespace cairn
