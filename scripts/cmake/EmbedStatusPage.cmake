# cmake -D PAGE=<folder> -D OUTPUT=<file> -P EmbedStatusPage.cmake
#
# Writes the source that defines kStatusPageText: page.html with the style and the script in it.

file(READ ${PAGE}/page.html page)
file(READ ${PAGE}/page.css style)
set(script "")
foreach(name requests tables page)
  file(READ ${PAGE}/${name}.js part)
  string(APPEND script "${part}")
endforeach()
string(REPLACE "/* page.css */\n" "${style}" page "${page}")
string(REPLACE "/* page.js */\n" "${script}" page "${page}")
if(page MATCHES "\\)page\"")
  message(FATAL_ERROR "The status page holds )page\", which ends the literal that it stands in.")
endif()

# A compiler need not take a literal of more than 65536 bytes: neighbours are joined. Cut at the end
# of a line, for a character may have several bytes.
set(pieces "")
while(page)
  string(SUBSTRING "${page}" 0 16000 piece)
  string(FIND "${piece}" "\n" end REVERSE)
  math(EXPR end "${end} + 1")
  string(SUBSTRING "${page}" 0 ${end} piece)
  string(APPEND pieces "    R\"page(${piece})page\"\n")
  string(SUBSTRING "${page}" ${end} -1 page)
endwhile()
file(WRITE ${OUTPUT} "#include \"status_page_text.h\"

namespace chatgate::admin {

const std::string_view kStatusPageText{
${pieces}};

}  // namespace chatgate::admin
")
